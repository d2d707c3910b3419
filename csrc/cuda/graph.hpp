// A program on a GPU: its commands are captured once, and launched as CUDA graphs from then on. Commands in Python
// stand between two graphs.
#pragma once

#include <memory>
#include <vector>

#include "../program/program.hpp"
#include "launch.hpp"
#include "mail.hpp"

namespace fastgrad::cuda {

class Graph {
  public:
    explicit Graph(Program& program) : program_(program) {}
    ~Graph();
    Graph(const Graph&) = delete;
    Graph& operator=(const Graph&) = delete;

    // Before the first run: one more argument or result; a number among the options that grows in every run.
    void count_move() { ++most_moves_; }
    void advance(void* number, std::int64_t by);

    // What the next run works on.
    void begin(const Step& step);
    void move_in(const Move& move) { ins_.push_back(move); }
    void move_out(const Move& move) { outs_.push_back(move); }
    void run(); // on the stream of the call

  private:
    struct Part { // a graph, or a command in Python
        cudaGraphExec_t graph;
        Command* command;
    };
    struct Growth {
        const void* number;
        std::int64_t by;
    };

    void make();
    void lay_out();
    void capture(cudaStream_t stream);
    void drop_parts();
    void write_mail();
    void wait_for_last(cudaStream_t stream);
    char* on_device(const void* host) const { return device_ + (static_cast<const char*>(host) - mail_.data()); }

    Program& program_;
    std::size_t most_moves_ = 0;
    std::vector<Growth> growths_;
    Step step_;
    std::vector<Move> ins_, outs_;

    bool is_made_ = false;
    std::vector<Part> parts_;
    Scratch scratch_{true};
    char* device_ = nullptr;        // the mail
    std::vector<char> mail_, sent_; // as it is to be, and as it is on the device after the last run
    struct Options {
        const void* command; // where the command has them
        std::size_t bytes, at;
    };
    std::vector<Options> options_;
    OptionsOnDevice places_;
    std::size_t moves_at_ = 0, advances_at_ = 0;

    cudaStream_t last_ = nullptr; // that the program ran on
    unsigned long long last_id_ = 0;
    cudaEvent_t done_ = nullptr;
    bool has_run_ = false;
};

} // namespace fastgrad::cuda
