// How a program on a GPU runs: as a graph that works on copies of a call's arguments, and whose results are copied out;
// run_numpy.hpp is the same for the processor.
#pragma once

#include "array_cupy.hpp"

#include "../cuda/graph.hpp"

namespace fastgrad {

class Runner {
  public:
    explicit Runner(Program& program) : graph_(program) {}
    bool is_here() const { return device_ == cuda::current_device(); } // on the GPU that it was made for

    // The memory of an argument or result, as commands know it.
    struct Place {
        char* memory = nullptr;
        Size bytes = 0;
        static constexpr bool is_pointed() { return false; }
    };
    Place place(const Array& array, bool) {
        graph_.count_move();
        return {static_cast<char*>(const_cast<void*>(array.data())), array.nbytes()};
    }
    // A number among the options that grows by this in every run.
    void advances(void* number, std::int64_t by) { graph_.advance(number, by); }

    // Before a run, after begin(): where an argument comes from, and where a result goes.
    void begin() { graph_.begin({}); }
    void bring(const Place& p, const char* from) { graph_.move_in({from, p.memory, p.bytes}); }
    void send(const Place& p, char* to) { graph_.move_out({p.memory, to, p.bytes}); }
    // In an epoch: rows order[step * batch ...] of a table, and line `step` of all results.
    using Step = cuda::Step;
    void begin(const Step& step) { graph_.begin(step); }
    void bring_rows(const Place& p, const char* table, Size) { bring(p, table); }
    void send_line(const Place& p, char* lines) { send(p, lines); }

    void run() { graph_.run(); }

  private:
    const int device_ = cuda::current_device();
    cuda::Graph graph_;
};

} // namespace fastgrad
