// Commands of a GPU's program that run together.
#include "../program/program.hpp"

namespace fastgrad {

void Program::team(std::size_t, std::size_t) {}

} // namespace fastgrad
