// Chains of elementwise operations in one visit to memory: block by block, each operation over the whole block, which
// stays in the first-level cache. All are exactly rounded, so a chain has the bits of its operations one by one.
//
// What is true or false is the number 1 or 0 within a block, and a byte in memory.
#pragma once

#include "split.hpp"

namespace fastgrad::FASTGRAD_SET {

template <class T, class F> void each(T* to, const T* a, Size n, F f) {
    for_each_vector<T>(n, [&](Size i, auto io) FG_INLINE_CALL { io.store(to + i, f(io.load(a + i))); });
}
template <class T, class F> void each(T* to, const T* a, const T* b, Size n, F f) {
    for_each_vector<T>(n, [&](Size i, auto io) FG_INLINE_CALL { io.store(to + i, f(io.load(a + i), io.load(b + i))); });
}
template <class T> void fill(T* to, T value, Size n) {
    for_each_vector<T>(n, [&](Size i, auto io) FG_INLINE_CALL { io.store(to + i, Vec<T>(double(value))); });
}

// One operation on n elements of a block; a register is the memory that it lies in.
template <class T> void run_step(ElementwiseOp op, T* to, const T* a, const T* b, const T* c, Size n) {
    using V = Vec<T>;
    const auto one = [](Mask<T> m) FG_INLINE_CALL { return select(m, 1.0, 0.0); };
    switch (op) {
    case ElementwiseOp::add:
        return each(to, a, b, n, [](V x, V y) FG_INLINE_CALL { return x + y; });
    case ElementwiseOp::subtract:
        return each(to, a, b, n, [](V x, V y) FG_INLINE_CALL { return x - y; });
    case ElementwiseOp::multiply:
        return each(to, a, b, n, [](V x, V y) FG_INLINE_CALL { return x * y; });
    case ElementwiseOp::divide:
        return each(to, a, b, n, [](V x, V y) FG_INLINE_CALL { return x / y; });
    case ElementwiseOp::greater:
        return each(to, a, b, n, [&](V x, V y) FG_INLINE_CALL { return one(x > y); });
    case ElementwiseOp::greater_equal:
        return each(to, a, b, n, [&](V x, V y) FG_INLINE_CALL { return one(x >= y); });
    case ElementwiseOp::less:
        return each(to, a, b, n, [&](V x, V y) FG_INLINE_CALL { return one(x < y); });
    case ElementwiseOp::less_equal:
        return each(to, a, b, n, [&](V x, V y) FG_INLINE_CALL { return one(x <= y); });
    case ElementwiseOp::equal:
        return each(to, a, b, n, [&](V x, V y) FG_INLINE_CALL { return one(x == y); });
    case ElementwiseOp::not_equal:
        return each(to, a, b, n, [&](V x, V y) FG_INLINE_CALL { return select(x == y, 0.0, 1.0); });
    case ElementwiseOp::positive:
        return each(to, a, n, [](V x) FG_INLINE_CALL { return x; });
    case ElementwiseOp::negative:
        return each(to, a, n, [](V x) FG_INLINE_CALL { return -x; });
    case ElementwiseOp::absolute:
        return each(to, a, n, [](V x) FG_INLINE_CALL { return abs(x); });
    case ElementwiseOp::square:
        return each(to, a, n, [](V x) FG_INLINE_CALL { return x * x; });
    case ElementwiseOp::sqrt:
        return each(to, a, n, [](V x) FG_INLINE_CALL { return sqrt(x); });
    case ElementwiseOp::reciprocal:
        return each(to, a, n, [](V x) FG_INLINE_CALL { return V(1.0) / x; });
    case ElementwiseOp::where:
        return for_each_vector<T>(n, [&](Size i, auto io) FG_INLINE_CALL {
            io.store(to + i, select(io.load(a + i) == V(0.0), io.load(c + i), io.load(b + i)));
        });
    case ElementwiseOp::fill:
        return fill(to, *a, n);
    case ElementwiseOp::from_bool: {
        const auto* from = reinterpret_cast<const unsigned char*>(a);
        for (Size i = 0; i < n; ++i) to[i] = T(from[i]);
        return;
    }
    case ElementwiseOp::fill_from_bool:
        return fill(to, T(*reinterpret_cast<const unsigned char*>(a)), n);
    case ElementwiseOp::to_bool: {
        auto* bytes = reinterpret_cast<unsigned char*>(to);
        for (Size i = 0; i < n; ++i) bytes[i] = a[i] != 0;
        return;
    }
    }
}

template <class T> void elementwise_rows(const Elementwise<T>& e, Piece rows, Piece columns) {
    constexpr Size block = 2048 / Size(sizeof(T));
    T* const slots = static_cast<T*>(scratch(Scratch::block, std::size_t(e.slots * block) * sizeof(T)));
    T* at[Elementwise<T>::most_registers];
    const Size in_memory = e.inputs + e.outputs;
    for (Size k = 0; k < e.slots; ++k) at[in_memory + k] = slots + k * block;
    for (Size i = rows.begin; i < rows.end; ++i)
        for (Size j = columns.begin; j < columns.end; j += block) {
            const Size n = columns.end - j < block ? columns.end - j : block;
            for (Size k = 0; k < in_memory; ++k)
                at[k] = reinterpret_cast<T*>(e.memory[k].p + i * e.memory[k].row + j * e.memory[k].column);
            for (Size k = 0; k < e.steps; ++k) {
                const auto& s = e.step[k];
                run_step<T>(s.op, at[s.to], at[s.a], at[s.b], at[s.c], n);
            }
        }
}

template <class T> void elementwise(const Elementwise<T>& e) {
    const double ns = double(e.steps) * (double(e.rows) * double(e.columns) * 0.05 + double(e.rows) * 4);
    const int tasks = tasks_for(ns);
    parallel_for(tasks, [&](int task) {
        if (e.rows > 1) elementwise_rows<T>(e, piece(e.rows, tasks, task, 1), {0, e.columns});
        else elementwise_rows<T>(e, {0, e.rows}, piece(e.columns, tasks, task, 64));
    });
}

} // namespace fastgrad::FASTGRAD_SET
