// How work is cut over the threads.
#pragma once

#include "../fastgrad/kernels.hpp"
#include "simd.hpp"
#include "threads.hpp"

namespace fastgrad::FASTGRAD_SET {

struct Piece {
    Size begin, end;
};

// Piece i of n cut into `parts`: each but the last is a multiple of `unit`.
FG_INLINE Piece piece(Size n, Size parts, Size i, Size unit) {
    const Size units = (n + unit - 1) / unit;
    const Size begin = units * i / parts * unit, end = units * (i + 1) / parts * unit;
    return {begin < n ? begin : n, end < n ? end : n};
}

// Calls body(begin, count) for pieces of n elements of T, over the threads; ns is the cost of one element.
template <class T, class Body> void for_each_piece(Size n, double ns, Body body) {
    const int tasks = tasks_for(double(n) * ns);
    parallel_for(tasks, [&](int task) {
        const Piece p = piece(n, tasks, task, 64 / Size(sizeof(T))); // whole cache lines
        body(p.begin, p.end - p.begin);
    });
}

} // namespace fastgrad::FASTGRAD_SET
