// Chains of elementwise operations as data: what a program joins, and the kernel in elementwise_chain.hpp runs.
#pragma once

#include <cstddef>

namespace fastgrad {

// Under numpy's names; the last four move numbers between memory and registers.
// clang-format off
#define FASTGRAD_ELEMENTWISE_OPS(X)                                                                                    \
    X(add) X(subtract) X(multiply) X(divide)                                                                           \
    X(greater) X(greater_equal) X(less) X(less_equal) X(equal) X(not_equal)                                            \
    X(positive) X(negative) X(absolute) X(square) X(sqrt) X(reciprocal) X(where)                                       \
    X(fill) X(from_bool) X(fill_from_bool) X(to_bool)
// clang-format on

#define FASTGRAD_NAME(name) name,
enum class ElementwiseOp : unsigned char { FASTGRAD_ELEMENTWISE_OPS(FASTGRAD_NAME) };
#undef FASTGRAD_NAME

#define FASTGRAD_NAME(name) #name,
constexpr const char* elementwise_op_names[] = {FASTGRAD_ELEMENTWISE_OPS(FASTGRAD_NAME)};
#undef FASTGRAD_NAME

// Over (rows, columns). Registers: first the memory of inputs, then that of outputs, then slots, which hold a block.
template <class T> struct Elementwise {
    static constexpr int most_memory = 24, most_slots = 24, most_steps = 64;
    static constexpr int most_registers = most_memory + most_slots;

    struct Memory {
        char* p;
        std::ptrdiff_t row, column; // strides in bytes; an operation reads and writes columns that lie side by side
    };
    struct Step { // register `to` = op of registers a, b, c, or of as many as it takes
        ElementwiseOp op;
        unsigned char to, a, b, c;
    };

    std::ptrdiff_t rows, columns;
    int inputs, outputs, slots, steps;
    Memory memory[most_memory];
    Step step[most_steps];

    template <class Visit> void each_pointer(const Visit& visit) {
        for (int i = 0; i < inputs + outputs; ++i) visit(&memory[i].p);
    }
};

} // namespace fastgrad
