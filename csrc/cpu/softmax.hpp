// softmax and log-softmax over rows: y = exp(x - max) / sum, or y = x - max - log(sum).
#pragma once

#include "simd.hpp"
#include "split.hpp"

#include "../fastgrad/vecmath.hpp"

namespace fastgrad::FASTGRAD_SET {

// The largest number of a row; NaN is passed over (it comes back through the sum).
template <class T> FG_INLINE T row_max(const T* x, Size n) {
    const double lowest = -__builtin_inf();
    Vec<T> best = lowest;
    for_each_vector<T>(n, [&](Size j, auto io) FG_INLINE_CALL {
        const Vec<T> v = io.load(x + j, lowest);
        best = select(v > best, v, best);
    });
    return largest(best);
}

// The sum of body(j, io) over a row, in blocks: the error grows with the number of blocks, not with n.
template <class T, class Body> FG_INLINE T row_sum(Size n, Body body) {
    constexpr Size block = 32 * Vec<T>::lanes;
    Vec<T> total = 0.0;
    for (Size begin = 0; begin < n; begin += block) {
        Vec<T> acc = 0.0;
        for_each_vector<T>(n - begin < block ? n - begin : block,
                           [&](Size j, auto io) FG_INLINE_CALL { acc = acc + io.keep(body(begin + j, io)); });
        total = total + acc;
    }
    return sum(total);
}

// sum of exp(x - max); the exponentials are kept in e if it is not null
template <class T> FG_INLINE T row_exp_sum(T* e, const T* x, T max, Size n) {
    return row_sum<T>(n, [&](Size j, auto io) FG_INLINE_CALL {
        const Vec<T> v = exp(io.load(x + j) - Vec<T>(max));
        if (e) io.store(e + j, v);
        return v;
    });
}

template <class T> FG_INLINE T scalar_log(T x) {
    T lane[Vec<T>::lanes];
    log(Vec<T>(x)).store(lane);
    return lane[0];
}

template <class T> void softmax_forward(T* y, const T* x, Size rows, Size columns, bool logarithm) {
    const int tasks = tasks_for(double(rows) * (10 + double(columns)));
    parallel_for(tasks, [&](int task) {
        for (Size i = rows * task / tasks; i < rows * (task + 1) / tasks; ++i) {
            const T* xi = x + i * columns;
            T* yi = y + i * columns;
            const T max = row_max(xi, columns), total = row_exp_sum(logarithm ? nullptr : yi, xi, max, columns);
            const Vec<T> log_total = logarithm ? scalar_log(total) : T(0), scale = T(1) / total;
            for_each_vector<T>(columns, [&](Size j, auto io) FG_INLINE_CALL {
                io.store(yi + j, logarithm ? io.load(xi + j) - Vec<T>(max) - log_total : io.load(yi + j) * scale);
            });
        }
    });
}

// softmax: dx = y (dy - sum(dy y)); log-softmax: dx = dy - exp(y) sum(dy)
template <class T> void softmax_backward(T* dx, const T* dy, const T* y, Size rows, Size columns, bool logarithm) {
    const int tasks = tasks_for(double(rows) * (10 + double(columns)));
    parallel_for(tasks, [&](int task) {
        for (Size i = rows * task / tasks; i < rows * (task + 1) / tasks; ++i) {
            const T *yi = y + i * columns, *dyi = dy + i * columns;
            const Vec<T> total = row_sum<T>(columns, [&](Size j, auto io) FG_INLINE_CALL {
                return logarithm ? io.load(dyi + j) : io.load(dyi + j) * io.load(yi + j);
            });
            for_each_vector<T>(columns, [&](Size j, auto io) FG_INLINE_CALL {
                const Vec<T> v = io.load(yi + j), g = io.load(dyi + j);
                io.store(dx + i * columns + j, logarithm ? g - exp(v) * total : v * (g - total));
            });
        }
    });
}

} // namespace fastgrad::FASTGRAD_SET
