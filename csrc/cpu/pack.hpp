// Packing: of b into panels, k rows of `width` contiguous columns, the last panel filled up with zeros; of a few rows
// of a.
#pragma once

#include "kernels.hpp"
#include "simd.hpp"

namespace fastgrad::FASTGRAD_SET {

// One step of the transposition of a square of registers: swaps blocks of `distance` lanes across the diagonal.
template <class T, int distance> FG_INLINE void swap_blocks(Vec<T>& x, Vec<T>& y) {
    using M = typename Native<T>::bits;
    constexpr int lanes = Vec<T>::lanes;
    M low, high;
    for (int i = 0; i < lanes; ++i) {
        const bool from_y = i & distance;
        low[i] = from_y ? lanes + i - distance : i;
        high[i] = from_y ? lanes + i : i + distance;
    }
#if defined(__clang__)
    Vec<T> a, b;
    for (int i = 0; i < lanes; ++i) {
        a.v[i] = low[i] < lanes ? x.v[low[i]] : y.v[low[i] - lanes];
        b.v[i] = high[i] < lanes ? x.v[high[i]] : y.v[high[i] - lanes];
    }
    x = a, y = b;
#else
    const auto a = __builtin_shuffle(x.v, y.v, low), b = __builtin_shuffle(x.v, y.v, high);
    x = Vec<T>(a), y = Vec<T>(b);
#endif
}

template <class T, int distance = 1> FG_INLINE void transpose(Vec<T> (&r)[Vec<T>::lanes]) {
    if constexpr (distance < Vec<T>::lanes) {
        for (int i = 0; i < Vec<T>::lanes; ++i)
            if (!(i & distance)) swap_blocks<T, distance>(r[i], r[i + distance]);
        transpose<T, distance * 2>(r);
    }
}

// panel[p * width + j] = b(p, j) for p < k, j < columns; zero for columns <= j < width.
template <class T> void pack_panel(T* panel, View<T> b, Size k, Size columns, Size width) {
    constexpr Size lanes = Vec<T>::lanes;
    if (b.columns == 1) {
        for (Size p = 0; p < k; ++p, panel += width) {
            for_each_vector<T>(columns, [&](Size j, auto io) FG_INLINE_CALL {
                Vec<T>(io.load(b.p + p * b.rows + j)).store(panel + j); // a partial load fills up with zeros
            });
            for (Size j = (columns + lanes - 1) / lanes * lanes; j < width; j += lanes) Vec<T>(0.0).store(panel + j);
        }
        return;
    }
    for (Size j = 0; j < width; j += lanes) {
        Size p = 0;
        if (b.rows == 1 && j + lanes <= columns)
            for (; p + lanes <= k; p += lanes) {
                Vec<T> r[lanes];
                for (Size i = 0; i < lanes; ++i) r[i] = Vec<T>::load(b.p + p + (j + i) * b.columns);
                transpose<T>(r);
                for (Size i = 0; i < lanes; ++i) r[i].store(panel + (p + i) * width + j);
            }
        for (; p < k; ++p)
            for (Size i = 0; i < lanes; ++i)
                panel[p * width + j + i] = j + i < columns ? b.p[p * b.rows + (j + i) * b.columns] : T(0);
    }
}

// Copies a (rows, k) to `packed`, keeping its order, so that its rows no longer lie a large power of two apart, where
// they would fall into the same few lines of the cache. Returns the view of the copy.
template <class T> View<T> pack_rows(T* packed, View<T> a, Size rows, Size k) {
    const bool by_column = a.rows == 1;
    const View<T> copy = by_column ? View<T>{packed, 1, rows} : View<T>{packed, k, 1};
    const Size outer = by_column ? k : rows, inner = by_column ? rows : k;
    const Size step = by_column ? a.columns : a.rows, stride = by_column ? 1 : a.columns;
    for (Size i = 0; i < outer; ++i, packed += inner) {
        const T* from = a.p + i * step;
        if (stride == 1)
            for_each_vector<T>(inner, [&](Size j, auto io) FG_INLINE_CALL { io.store(packed + j, io.load(from + j)); });
        else
            for (Size j = 0; j < inner; ++j) packed[j] = from[j * stride];
    }
    return copy;
}

} // namespace fastgrad::FASTGRAD_SET
