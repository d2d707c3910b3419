// The product with few rows of a: every number of b is used so rarely that the product is as fast as b can be read.
//
// b is read once, in the order in which it lies in memory. As everywhere an element is one chain of fma over k in
// order.
#pragma once

#include "gemm_tile.hpp"
#include "pack.hpp"
#include "threads.hpp"

namespace fastgrad::FASTGRAD_SET {

constexpr int few_rows = 3;

// c (rows, columns) = or += a b for `steps` rows of b, side by side: so many streams of memory are read at once.
template <class T, int rows, int steps>
void add_rows_of_b(Size columns, View<T> a, const T* b, Size b_rows, T* c, Size c_rows, bool add) {
    using V = Vec<T>;
    V av[rows][steps];
    unroll<rows>([&](auto i) FG_INLINE_CALL {
        unroll<steps>([&](auto p) FG_INLINE_CALL { av[i][p] = V::broadcast(a.p + i * a.rows + p * a.columns); });
    });
    for_each_vector<T>(columns, [&](Size j, auto io) FG_INLINE_CALL {
        V acc[rows];
        unroll<rows>([&](auto i) FG_INLINE_CALL { acc[i] = add ? io.load(c + i * c_rows + j) : V(0.0); });
        unroll<steps>([&](auto p) FG_INLINE_CALL {
            const V bv = io.load(b + p * b_rows + j);
            unroll<rows>([&](auto i) FG_INLINE_CALL { acc[i] = fma(av[i][p], bv, acc[i]); });
        });
        unroll<rows>([&](auto i) FG_INLINE_CALL { io.store(c + i * c_rows + j, acc[i]); });
    });
}

// c (rows, columns), at most one register of columns, where the columns of b are contiguous: squares of b are
// transposed in registers and used at once.
template <class T, int rows> void multiply_columns_of_b(Size columns, Size k, View<T> a, View<T> b, T* c, Size c_rows) {
    using V = Vec<T>;
    constexpr Size lanes = V::lanes;
    V acc[rows];
    unroll<rows>([&](auto i) FG_INLINE_CALL { acc[i] = V(0.0); });
    const auto square = [&](Size p, Size depth, const auto& load) FG_INLINE_CALL {
        V r[lanes];
        unroll<int(lanes)>([&](auto q) FG_INLINE_CALL { r[q] = q < columns ? load(b.p + q * b.columns + p) : V(0.0); });
        transpose<T>(r);
        for (Size q = 0; q < depth; ++q)
            unroll<rows>([&](auto i) FG_INLINE_CALL {
                acc[i] = fma(V::broadcast(a.p + i * a.rows + (p + q) * a.columns), r[q], acc[i]);
            });
    };
    Size p = 0;
    for (; p + lanes <= k; p += lanes) square(p, lanes, [](const T* from) FG_INLINE_CALL { return V::load(from); });
    if (p < k) square(p, k - p, [&](const T* from) FG_INLINE_CALL { return V::load_partial(from, k - p); });
    unroll<rows>([&](auto i) FG_INLINE_CALL {
        if (columns == lanes) acc[i].store(c + i * c_rows);
        else acc[i].store_partial(c + i * c_rows, columns);
    });
}

// Where the register tile would have b transposed first, or where b comes from far.
template <class T> FG_INLINE bool suits_few_rows(Size m, Size n, Size k, View<T> b) {
    constexpr Size near = Size(256 * 1024 / sizeof(T));
    return m <= few_rows && (b.rows == 1 || (b.columns == 1 && n * k >= near));
}

template <class T, int rows, class Epilogue>
void multiply_rows(Size n, Size k, View<T> a, View<T> b, T* c, Size c_rows, const T* bias, const Epilogue& epilogue) {
    constexpr int steps = vector_registers == 32 ? 8 : 4; // the numbers of a stay in registers
    constexpr Size strip = 8192 / Size(sizeof(T));        // of c, which stays in the first-level cache
    T* const sums = c ? nullptr : static_cast<T*>(scratch(Scratch::tiles, std::size_t(rows * strip) * sizeof(T)));
    for (Size n0 = 0; n0 < n; n0 += strip) {
        const Size columns = n - n0 < strip ? n - n0 : strip, stride = c ? c_rows : strip;
        T* const to = c ? c + n0 : sums;
        if (b.columns == 1) {
            Size p = 0;
            for (; p + steps <= k; p += steps)
                add_rows_of_b<T, rows, steps>(columns, {a.p + p * a.columns, a.rows, a.columns}, b.p + p * b.rows + n0,
                                              b.rows, to, stride, p > 0);
            for (; p < k; ++p)
                add_rows_of_b<T, rows, 1>(columns, {a.p + p * a.columns, a.rows, a.columns}, b.p + p * b.rows + n0,
                                          b.rows, to, stride, p > 0);
            if (k == 0) add_rows_of_b<T, rows, 0>(columns, a, b.p, 0, to, stride, false);
        } else {
            for (Size j = 0; j < columns; j += Vec<T>::lanes)
                multiply_columns_of_b<T, rows>(columns - j < Vec<T>::lanes ? columns - j : Size(Vec<T>::lanes), k, a,
                                               {b.p + (n0 + j) * b.columns, b.rows, b.columns}, to + j, stride);
        }
        if (bias)
            for (Size i = 0; i < rows; ++i)
                for_each_vector<T>(columns, [&](Size j, auto io) FG_INLINE_CALL {
                    io.store(to + i * stride + j, io.load(to + i * stride + j) + io.load(bias + n0 + j));
                });
        epilogue(to, 0, n0, rows, columns, stride);
    }
}

template <class T, class Epilogue> void multiply_few_rows(Size m, Size n, Size k, View<T> a, View<T> b, T* c,
                                                          Size c_rows, const T* bias, const Epilogue& epilogue) {
    if (m == 1) multiply_rows<T, 1>(n, k, a, b, c, c_rows, bias, epilogue);
    else if (m == 2) multiply_rows<T, 2>(n, k, a, b, c, c_rows, bias, epilogue);
    else multiply_rows<T, 3>(n, k, a, b, c, c_rows, bias, epilogue);
}

} // namespace fastgrad::FASTGRAD_SET
