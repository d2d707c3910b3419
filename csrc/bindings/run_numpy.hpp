// How a program on the processor runs: its commands are pointed to the memory of a call's arguments and results, or
// that is copied. run_cupy.hpp is the same for a GPU.
#pragma once

#include <cstring>
#include <memory>
#include <vector>

#include "array_numpy.hpp"

#include "../fastgrad/copy.hpp"

namespace fastgrad {

class Runner {
  public:
    explicit Runner(Program& program) : program_(program) {}
    static constexpr bool is_here() { return true; }

    // The memory of an argument or result, as commands know it.
    struct Place {
        char* memory = nullptr;
        Size bytes = 0;
        int movable = -1; // in the program; or -1: commands use `memory` itself, and bytes are copied
        int room = -1;    // of batches, likewise
        bool is_pointed() const { return movable >= 0; }
    };
    Place place(const Array& array, bool is_movable) {
        Place p{static_cast<char*>(const_cast<void*>(array.data())), Size(array.nbytes()), -1, -1};
        if (is_movable) p.movable = int(program_.add_movable(p.memory, std::size_t(p.bytes)));
        return p;
    }
    void advances(void*, std::int64_t) {} // options are written before every run

    // Before a run, after begin(): where an argument comes from, and where a result goes.
    void begin() { sent_.clear(); }
    void bring(const Place& p, const char* from) {
        if (p.movable >= 0) program_.point(std::size_t(p.movable), from);
        else std::memcpy(p.memory, from, std::size_t(p.bytes));
    }
    void send(const Place& p, char* to) {
        if (p.movable >= 0) program_.point(std::size_t(p.movable), to);
        else sent_.push_back({to, p.memory, std::size_t(p.bytes)});
    }
    // In an epoch: rows order[step * batch ...] of a table of `rows` rows, and line `step` of all results.
    struct Step {
        const std::int64_t* order = nullptr;
        Size batch = 0, number = 0;
    };
    void begin(const Step& step) {
        begin();
        step_ = step;
    }
    void bring_rows(Place& p, const char* table, Size rows) {
        char* to = p.memory;
        if (p.movable >= 0) {
            if (p.room < 0) {
                p.room = int(rooms_.size());
                rooms_.push_back(empty_array(py::dtype::of<std::uint8_t>(), {p.bytes}));
            }
            to = static_cast<char*>(py::detail::array_proxy(rooms_[std::size_t(p.room)].ptr())->data);
            program_.point(std::size_t(p.movable), to);
        }
        const auto bytes = std::size_t(p.bytes / step_.batch);
        gather(to, table, step_.order + step_.number * step_.batch, step_.batch, bytes, rows);
    }
    void send_line(const Place& p, char* lines) { send(p, lines + step_.number * p.bytes); }

    void run() {
        program_.run();
        for (const Copy& c : sent_) std::memcpy(c.to, c.from, c.bytes);
    }

  private:
    struct Copy {
        char* to;
        const char* from;
        std::size_t bytes;
    };

    Program& program_;
    std::vector<Copy> sent_;
    std::vector<py::object> rooms_;
    Step step_;
};

} // namespace fastgrad
