// A program: commands in order, run natively. The memory that inputs and outputs of a call lie in can change from run
// to run; all other memory is fixed when the program is built.
#pragma once

#include <iterator>
#include <memory>
#include <mutex>
#include <vector>

#include <pybind11/pybind11.h>

#include "command.hpp"

namespace fastgrad {

class Program {
  public:
    // The program that the calling thread is building: kernels are added to it instead of being run. Null otherwise.
    static thread_local Program* building;

    void add(std::unique_ptr<Command> command);
    std::size_t size() const { return commands_.size(); }
    // Lets commands [begin, end) be run together. `kept` is what others read of what they write.
    void team(std::size_t begin, std::size_t end, const std::vector<const void*>& kept);
    Command& command(std::size_t i) { return *commands_.at(i); }
    const std::vector<std::unique_ptr<Command>>& commands() const { return commands_; }
    double nanoseconds() const { return nanoseconds_; }

    // All pointers into [begin, begin + bytes) follow when `point` is called with this number.
    std::size_t add_movable(const void* begin, std::size_t bytes);
    void point(std::size_t movable, const void* begin);

    // Runs all commands, with the GIL held on entry and exit; without it in between where that is worth it.
    void run();

    // Memory and objects that commands refer to.
    void keep(pybind11::object object) { kept_.push_back(std::move(object)); }

  private:
    // Puts make(members), a unique_ptr, in the place of commands [begin, end).
    template <class Make> void replace(std::size_t begin, std::size_t end, const Make& make) {
        const auto first = commands_.begin() + std::ptrdiff_t(begin), last = commands_.begin() + std::ptrdiff_t(end);
        std::vector<std::unique_ptr<Command>> members(std::make_move_iterator(first), std::make_move_iterator(last));
        commands_.erase(first + 1, last);
        commands_[begin] = make(std::move(members));
    }

    struct Field {
        void* pointer;
        std::ptrdiff_t offset;
    };
    struct Movable {
        const void* begin;
        std::vector<Field> fields;
    };

    std::vector<std::unique_ptr<Command>> commands_;
    std::vector<Movable> movables_;
    std::vector<pybind11::object> kept_;
    double nanoseconds_ = 0;
};

// While it lives, kernels that this thread calls become commands of `program`.
class Building {
  public:
    explicit Building(Program& program) : before_(Program::building) { Program::building = &program; }
    ~Building() { Program::building = before_; }
    Building(const Building&) = delete;
    Building& operator=(const Building&) = delete;

  private:
    Program* before_;
};

} // namespace fastgrad
