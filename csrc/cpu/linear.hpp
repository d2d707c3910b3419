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

// sums[j] = sum over i of dz(i, j)
template <class T> void add_up_rows(T* sums, const T* dz, Size rows, Size columns, Size stride) {
    for_each_vector<T>(columns, [&](Size j, auto io) FG_INLINE_CALL {
        Vec<T> sum = 0.0;
        for (Size i = 0; i < rows; ++i) sum = sum + io.load(dz + i * stride + j);
        io.store(sums + j, sum);
    });
}

// dz = dy f'(saved), with db summed while the rows are in the cache: blocks of rows in T, the blocks in double, in
// order. Without an activation dz is dy, and not made.
template <class T> void activation_and_bias(T* dz, const LinearBackward<T>& l) {
    constexpr Size block_rows = 32;
    const auto derivative =
        l.activation.index < 0 ? nullptr : activation_kernels<T>[l.activation.index].backward(l.activation);
    const Size blocks = (l.m + block_rows - 1) / block_rows;
    T* sums = l.db ? static_cast<T*>(scratch(Scratch::row, std::size_t(blocks * l.n) * sizeof(T))) : nullptr;
    // whole rows are read fastest; with fewer blocks than tasks the rows are cut as well
    const int tasks = tasks_for(double(l.m) * double(l.n) * 0.25);
    const Size heights = blocks < tasks ? blocks : tasks, widths = heights ? tasks / heights : 0;
    parallel_for(int(heights * widths), [&](int task) {
        const Piece r = piece(blocks, heights, task / widths, 1);
        const Piece s = piece(l.n, widths, task % widths, Vec<T>::lanes);
        const Size columns = s.end - s.begin;
        if (columns == 0) return;
        for (Size block = r.begin; block < r.end; ++block) {
            const Size i = block * block_rows, rows = l.m - i < block_rows ? l.m - i : block_rows;
            const Size at = i * l.n + s.begin;
            if (derivative) derivative({dz + at, l.n, l.dy + at, l.n, rows, columns}, l.saved + at, l.n, l.activation);
            if (l.db) add_up_rows(sums + block * l.n + s.begin, (derivative ? dz : l.dy) + at, rows, columns, l.n);
        }
    });
    if (!l.db) return;
    constexpr Size together = 64 / Size(sizeof(T)); // a cache line of columns at a time
    for_each_piece<T>(l.n, double(blocks) * 0.3, [&](Size begin, Size count) {
        for (Size j = begin; j < begin + count; j += together) {
            const Size some = begin + count - j < together ? begin + count - j : together;
            double totals[together] = {};
            for (Size block = 0; block < blocks; ++block)
                for (Size lane = 0; lane < some; ++lane) totals[lane] += double(sums[block * l.n + j + lane]);
            for (Size lane = 0; lane < some; ++lane) l.db[j + lane] = T(totals[lane]);
        }
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
