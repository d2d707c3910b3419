#include "program.hpp"

#include <cstring>
#include <iterator>

#include "team.hpp"

namespace fastgrad {

namespace py = pybind11;

thread_local Program* Program::building = nullptr;

void Program::add(std::unique_ptr<Command> command) {
    nanoseconds_ += command->nanoseconds;
    commands_.push_back(std::move(command));
}

std::size_t Program::add_movable(const void* begin, std::size_t bytes) {
    Movable movable{begin, {}};
    const char* first = static_cast<const char*>(begin);
    for (const auto& command : commands_)
        command->each_pointer([&](void* field) {
            const char* p;
            std::memcpy(&p, field, sizeof p);
            if (p >= first && p < first + (bytes ? bytes : 1)) movable.fields.push_back({field, p - first});
        });
    movables_.push_back(std::move(movable));
    return movables_.size() - 1;
}

void Program::team(std::size_t begin, std::size_t end) {
    const auto first = commands_.begin() + std::ptrdiff_t(begin), last = commands_.begin() + std::ptrdiff_t(end);
    std::vector<std::unique_ptr<Command>> members(std::make_move_iterator(first), std::make_move_iterator(last));
    commands_.erase(first + 1, last);
    commands_[begin] = std::make_unique<Team>(std::move(members));
}

void Program::point(std::size_t number, const void* begin) {
    Movable& movable = movables_[number];
    if (movable.begin == begin) return;
    for (const Field& field : movable.fields) {
        const char* p = static_cast<const char*>(begin) + field.offset;
        std::memcpy(field.pointer, &p, sizeof p);
    }
    movable.begin = begin;
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
