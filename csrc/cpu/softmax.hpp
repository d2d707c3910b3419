// softmax and log-softmax over rows: y = exp(x - max) / sum, or y = x - max - log(sum).
#pragma once

#include "activation.hpp"

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

// sum of exp(x - max); the exponentials are kept in e if it is not null
template <class T> FG_INLINE T row_exp_sum(T* e, const T* x, T max, Size n) {
    Vec<T> total = 0.0;
    for_each_vector<T>(n, [&](Size j, auto io) FG_INLINE_CALL {
        const Vec<T> v = exp(io.load(x + j) - Vec<T>(max));
        if (e) io.store(e + j, v);
        total = total + io.keep(v);
    });
    return sum(total);
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
            Vec<T> acc = 0.0;
            for_each_vector<T>(columns, [&](Size j, auto io) FG_INLINE_CALL {
                acc = acc + (logarithm ? io.load(dyi + j) : io.load(dyi + j) * io.load(yi + j));
            });
            const Vec<T> total = sum(acc);
            for_each_vector<T>(columns, [&](Size j, auto io) FG_INLINE_CALL {
                const Vec<T> v = io.load(yi + j), g = io.load(dyi + j);
                io.store(dx + i * columns + j, logarithm ? g - exp(v) * total : v * (g - total));
            });
        }
    });
}

} // namespace fastgrad::FASTGRAD_SET
