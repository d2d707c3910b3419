#include "program.hpp"

#include <cstring>

namespace fastgrad {

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

void Program::point(std::size_t number, const void* begin) {
    Movable& movable = movables_[number];
    if (movable.begin == begin) return;
    for (const Field& field : movable.fields) {
        const char* p = static_cast<const char*>(begin) + field.offset;
        std::memcpy(field.pointer, &p, sizeof p);
    }
    movable.begin = begin;
}

} // namespace fastgrad
