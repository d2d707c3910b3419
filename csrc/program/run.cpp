// Programs on the processor: how they run, and what runs together.
#include "program.hpp"
#include "team.hpp"

namespace fastgrad {

void Program::team(std::size_t begin, std::size_t end, const std::vector<const void*>&) {
    replace(begin, end, [](auto members) { return std::make_unique<Team>(std::move(members)); });
}

void Program::run() {
    constexpr double worth_it = 2000; // nanoseconds: giving the GIL away and taking it back costs some hundred
    PyThreadState* released = nullptr;
    struct Return { // also when a command throws
        PyThreadState*& state;
        ~Return() {
            if (state) PyEval_RestoreThread(state);
        }
    } back{released};
    if (nanoseconds_ >= worth_it) released = PyEval_SaveThread();
    for (const auto& command : commands_) {
        if (command->needs_python() && released) {
            PyEval_RestoreThread(released);
            released = nullptr;
            command->run();
            released = PyEval_SaveThread();
        } else {
            command->run();
        }
    }
}

} // namespace fastgrad
