// linear: y = f(x wᵀ + b), and its gradients.
#pragma once

#include "activation.hpp"
#include "gemm.hpp"

namespace fastgrad::FASTGRAD_SET {

template <class T> void linear_forward(const LinearForward<T>& l) {
    const View<T> w = l.w.transposed();
    const BoundActivation& f = l.activation;
    if (f.index < 0) return multiply<T>(l.m, l.n, l.k, l.x, w, l.y, l.b);
    const auto forward = activation_kernels<T>[f.index].forward;
    // with z wanted the product goes there and y is made of it, tile by tile
    multiply<T>(l.m, l.n, l.k, l.x, w, l.z ? l.z : l.y, l.b,
                [&](T* tile, Size i, Size j, Size rows, Size columns, Size stride)
                    FG_INLINE_CALL { forward({l.y + i * l.n + j, stride, tile, stride, rows, columns}, f); });
}

// totals[j] += sum over i of dz(i, j): some rows in T, what they come to in double.
template <class T> void add_up_rows(double* totals, const T* dz, Size rows, Size columns, Size stride) {
    for_each_vector<T>(columns, [&](Size j, auto io) FG_INLINE_CALL {
        Vec<T> sum = 0.0;
        for (Size i = 0; i < rows; ++i) sum = sum + io.load(dz + i * stride + j);
        add_lanes(totals + j, sum, columns - j);
    });
}

// dz = dy f'(saved), with db summed while the rows are in the cache. Without an activation dz is dy, and not made.
template <class T> void activation_and_bias(T* dz, const LinearBackward<T>& l) {
    constexpr Size block_rows = 32;
    const auto derivative =
        l.activation.index < 0 ? nullptr : activation_kernels<T>[l.activation.index].backward(l.activation);
    double* totals = l.db ? static_cast<double*>(scratch(Scratch::row, std::size_t(l.n) * sizeof(double))) : nullptr;
    const int tasks = tasks_for(double(l.m) * double(l.n) * 0.5);
    parallel_for(tasks, [&](int task) {
        const Piece s = piece(l.n, tasks, task, Vec<T>::lanes);
        const Size columns = s.end - s.begin;
        if (columns == 0) return;
        if (l.db)
            for (Size j = s.begin; j < s.end; ++j) totals[j] = 0;
        for (Size i = 0; i < l.m; i += block_rows) {
            const Size rows = l.m - i < block_rows ? l.m - i : block_rows, at = i * l.n + s.begin;
            if (derivative) derivative({dz + at, l.n, l.dy + at, l.n, rows, columns}, l.saved + at, l.n, l.activation);
            if (l.db) add_up_rows(totals + s.begin, (derivative ? dz : l.dy) + at, rows, columns, l.n);
        }
        if (l.db)
            for (Size j = s.begin; j < s.end; ++j) l.db[j] = T(totals[j]);
    });
}

template <class T> void linear_backward(const LinearBackward<T>& l) {
    const T* dz = l.dy;
    if (l.activation.index >= 0) {
        T* made = static_cast<T*>(scratch(Scratch::dz, std::size_t(l.m * l.n) * sizeof(T)));
        activation_and_bias(made, l);
        dz = made;
    } else if (l.db) {
        activation_and_bias<T>(nullptr, l);
    }
    const View<T> dz_view{dz, l.n, 1};
    if (l.dw && l.dw_transposed) multiply<T>(l.k, l.n, l.m, l.x.transposed(), dz_view, l.dw);
    else if (l.dw) multiply<T>(l.n, l.k, l.m, dz_view.transposed(), l.x, l.dw);
    if (l.dx) multiply<T>(l.m, l.k, l.n, dz_view, l.w, l.dx);
}

template <class T> void linear_grad_input(const LinearGradInput<T>& l) {
    const View<T> dz{l.dz, l.n, 1};
    if (l.activation.index < 0) return multiply<T>(l.m, l.k, l.n, dz, l.w, l.dx);
    const auto derivative = activation_kernels<T>[l.activation.index].backward(l.activation);
    multiply<T>(l.m, l.k, l.n, dz, l.w, l.dx, nullptr,
                [&](T* tile, Size i, Size j, Size rows, Size columns, Size stride) FG_INLINE_CALL {
                    derivative({tile, stride, tile, stride, rows, columns}, l.saved + i * l.k + j, l.k, l.activation);
                });
}

template <class T> void matmul(const Matmul<T>& p) {
    for (Size i = 0; i < p.batch; ++i)
        multiply<T>(p.m, p.n, p.k, {p.a.p + i * p.a_step, p.a.rows, p.a.columns},
                    {p.b.p + i * p.b_step, p.b.rows, p.b.columns}, p.y + i * p.m * p.n);
}

} // namespace fastgrad::FASTGRAD_SET
