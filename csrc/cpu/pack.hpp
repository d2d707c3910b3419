// Packing: of b into panels, k rows of `width` contiguous columns, the last panel filled up with zeros; of a few rows
// of a.
#pragma once

#include "../fastgrad/kernels.hpp"
#include "gemm_tile.hpp"

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

// Packs a block of b (k rows) into panels of `width` columns: panel number q holds b(p, q * width + j) at
// q * k * width + p * width + j, zero where b has no such column.
template <class T> void pack_panels(T* panels, View<T> b, Size k, Size columns, Size width) {
    constexpr Size lanes = Vec<T>::lanes;
    if (b.columns == 1) { // row by row, as b lies in memory
        for (Size p = 0; p < k; ++p) {
            const T* from = b.p + p * b.rows;
            T* to = panels + p * width;
            Size j = 0;
            for (; j + width <= columns; j += width, to += k * width)
                for (Size i = 0; i < width; i += lanes) Vec<T>::load(from + j + i).store(to + i);
            for (Size i = 0; j < columns && i < width; i += lanes) {
                const Size left = columns - j - i;
                const Vec<T> v = left >= lanes ? Vec<T>::load(from + j + i)
                                 : left > 0    ? Vec<T>::load_partial(from + j + i, left)
                                               : Vec<T>(0.0);
                v.store(to + i);
            }
        }
        return;
    }
    for (Size q = 0; q < columns; q += width) {
        T* panel = panels + q * k;
        for (Size j = 0; j < width; j += lanes) {
            Size p = 0;
            if (b.rows == 1 && q + j + lanes <= columns)
                for (; p + lanes <= k; p += lanes) {
                    Vec<T> r[lanes];
                    for (Size i = 0; i < lanes; ++i) r[i] = Vec<T>::load(b.p + p + (q + j + i) * b.columns);
                    transpose<T>(r);
                    for (Size i = 0; i < lanes; ++i) r[i].store(panel + (p + i) * width + j);
                }
            for (; p < k; ++p)
                for (Size i = 0; i < lanes; ++i)
                    panel[p * width + j + i] = q + j + i < columns ? b.p[p * b.rows + (q + j + i) * b.columns] : T(0);
        }
    }
}

// Row tiles: `rows` rows cut evenly, none more than tile_rows, because a short tile would wait for the latency of its
// few chains.
struct RowTiles {
    Size rows, count;
    FG_INLINE explicit RowTiles(Size n) : rows(n), count((n + tile_rows - 1) / tile_rows) {}
    FG_INLINE Size begin(Size tile) const { return rows * tile / count; }
};

// Packs a block of a (k columns) into the order in which tiles read it: a(top + i, p) of a tile whose rows start at
// `top` goes to top * k + p * (rows of the tile) + i. Whole registers are stored where they end within the tile or are
// followed by what is stored later: what they hold beyond its rows is overwritten, or lies in `slack` numbers after the
// block.
constexpr Size pack_slack = 64;
template <class T> void pack_rows(T* packed, View<T> a, RowTiles tiles, Size k) {
    constexpr Size lanes = Vec<T>::lanes;
    if (a.rows == 1) { // as a lies in memory, some of its columns at a time: few pages are read, whole lines written
        constexpr Size some = 16;
        const Size whole =
            a.columns >= lanes ? k - 1 : 0; // columns behind which there is enough to read registers whole
        for (Size begin = 0; begin < k; begin += some)
            for (Size tile = 0; tile < tiles.count; ++tile) {
                const Size top = tiles.begin(tile), rows = tiles.begin(tile + 1) - top;
                for (Size p = begin; p < k && p < begin + some; ++p) {
                    const T* from = a.p + p * a.columns + top;
                    T* to = packed + top * k + p * rows;
                    for (Size i = 0; i < rows; i += lanes) {
                        const Size left = rows - i;
                        const auto v =
                            left >= lanes || p < whole ? Vec<T>::load(from + i) : Vec<T>::load_partial(from + i, left);
                        if (p * rows + i + lanes <= k * rows) v.store(to + i);
                        else v.store_partial(to + i, left < lanes ? left : lanes);
                    }
                }
            }
        return;
    }
    for (Size tile = 0; tile < tiles.count; ++tile) {
        const Size top = tiles.begin(tile), rows = tiles.begin(tile + 1) - top;
        const T* from = a.p + top * a.rows;
        T* to = packed + top * k;
        Size p = 0;
        if (a.columns == 1)
            for (; p + lanes <= k; p += lanes)
                for (Size i = (rows - 1) / lanes * lanes; i >= 0; i -= lanes) { // the last first: it may write too much
                    Vec<T> r[lanes];
                    for (Size q = 0; q < lanes; ++q)
                        r[q] = i + q < rows ? Vec<T>::load(from + (i + q) * a.rows + p) : Vec<T>(0.0);
                    transpose<T>(r);
                    for (Size q = 0; q < lanes; ++q) r[q].store(to + (p + q) * rows + i);
                }
        for (; p < k; ++p)
            for (Size i = 0; i < rows; ++i) to[p * rows + i] = from[i * a.rows + p * a.columns];
    }
}

} // namespace fastgrad::FASTGRAD_SET
