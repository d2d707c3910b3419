// c (m, n) = a (m, k) b (k, n), with an epilogue on each finished tile while it is in the first-level cache.
#pragma once

#include "gemm_tile.hpp"
#include "pack.hpp"
#include "split.hpp"

namespace fastgrad::FASTGRAD_SET {

struct NoEpilogue {
    template <class T> FG_INLINE void operator()(T*, Size, Size, Size, Size, Size) const {}
};

constexpr Size direct_bytes = 1 << 20;  // b up to this size is read in place if its rows are contiguous
constexpr Size block_k = 384;           // rows of b at a time: those of a that meet them stay in the first-level cache
constexpr Size block_bytes = 768 << 10; // of packed b at a time: room for it in the second-level cache
constexpr Size far_bytes = 2048;        // rows (or columns) of a further apart than this are packed ...
constexpr Size reused_columns = 128;    // ... if so many columns of b share the cost

// One thread's share. epilogue(c, row, column, rows, columns, c_rows) is called once per finished tile. If c is null no
// result is stored: tiles are made in scratch memory and end with the epilogue.
template <class T, class Epilogue> void multiply_block(Size m, Size n, Size k, View<T> a, View<T> b, T* c, Size c_rows,
                                                       const T* bias, const Epilogue& epilogue) {
    constexpr Size lanes = Vec<T>::lanes, width = tile_vectors * lanes;
    const bool direct =
        b.columns == 1 && k * n * Size(sizeof(T)) <= direct_bytes && (cheap_partial_loads || n % lanes == 0);
    const Size blocks_k = (k + block_k - 1) / block_k;
    const Size step_k = k ? (k + blocks_k - 1) / blocks_k : 1; // even shares
    // between two blocks of k the sums rest in c; without c in a strip of one tile's rows, which then passes all of k
    const Size packed_k = c || k == 0 ? step_k : k;
    const Size fitting = block_bytes / ((c ? block_k : packed_k) * Size(sizeof(T))) / width * width;
    const Size step_n = direct ? n : fitting < width ? width : fitting;
    const bool one_tile = !c && blocks_k <= 1;
    const Size strip_rows = one_tile ? width : (step_n < n ? step_n : n);
    T* const strip =
        c ? nullptr
          : static_cast<T*>(scratch(Scratch::tiles, std::size_t(tile_rows * (strip_rows + width)) * sizeof(T)));
    const Size row_blocks = (m + tile_rows - 1) / tile_rows;
    const bool pack_a = (a.rows == 1 ? a.columns : a.rows) * Size(sizeof(T)) >= far_bytes && n >= reused_columns;
    for (Size n0 = 0; n0 < n; n0 += step_n) {
        const Size columns = n - n0 < step_n ? n - n0 : step_n;
        for (Size p0 = 0; p0 == 0 || p0 < k; p0 += packed_k) {
            const Size packed_depth = k - p0 < packed_k ? k - p0 : packed_k;
            const T* panels = nullptr;
            if (!direct) {
                const Size padded = (columns + width - 1) / width * width;
                T* packed = static_cast<T*>(scratch(Scratch::packed_b, std::size_t(padded * packed_depth) * sizeof(T)));
                for (Size j = 0; j < columns; j += width)
                    pack_panel<T>(packed + j * packed_depth,
                                  {b.p + p0 * b.rows + (n0 + j) * b.columns, b.rows, b.columns}, packed_depth,
                                  columns - j < width ? columns - j : width, width);
                panels = packed;
            }
            for (Size block = 0; block < row_blocks; ++block) {
                // rows spread evenly: a short last tile would wait for the latency of its few chains
                const Size i = m * block / row_blocks, rows = m * (block + 1) / row_blocks - i;
                for (Size k0 = p0; k0 == p0 || k0 < p0 + packed_depth; k0 += step_k) {
                    const Size depth = k - k0 < step_k ? k - k0 : step_k;
                    const bool finished = k0 + step_k >= k;
                    View<T> some_a{a.p + i * a.rows + k0 * a.columns, a.rows, a.columns};
                    if (pack_a)
                        some_a = pack_rows<T>(
                            static_cast<T*>(scratch(Scratch::packed_a, std::size_t(rows * depth) * sizeof(T))), some_a,
                            rows, depth);
                    for (Size j = 0; j < columns; j += width) {
                        const Size some = columns - j < width ? columns - j : width;
                        T* tile = c ? c + i * c_rows + n0 + j : one_tile ? strip : strip + j;
                        const Size tile_rows_apart = c ? c_rows : strip_rows;
                        tile_table<T>.find(rows, some)(
                            {depth, some_a.p, some_a.rows, some_a.columns,
                             direct ? b.p + k0 * b.rows + j : panels + j * packed_depth + (k0 - p0) * width,
                             direct ? b.rows : width, tile, tile_rows_apart, some, k0 > 0,
                             finished && bias ? bias + n0 + j : nullptr});
                        if (finished) epilogue(tile, i, n0 + j, rows, some, tile_rows_apart);
                    }
                }
            }
        }
    }
}

// Calls body(rows, columns) for pieces of an (m, n) result, over the threads.
template <class T, class Body> void for_each_share(Size m, Size n, Size k, Body body) {
    if (m == 0 || n == 0) return;
    constexpr Size width = tile_vectors * Vec<T>::lanes;
    const double flops_per_ns = sizeof(T) == 4 ? 100 : 50;
    const double cost = 2.0 * double(m) * double(n) * double(k) / flops_per_ns;
    const int shares = tasks_for(cost);
    // by columns no two threads pack the same part of b; by rows when there are too few columns
    const bool many_columns = n >= shares * width * 2, by_columns = many_columns || n > 4 * m;
    const int tasks = many_columns ? finer_tasks_for(cost, shares) : shares;
    parallel_for(tasks, [&](int task) {
        const Piece r = by_columns ? Piece{0, m} : piece(m, tasks, task, 1);
        const Piece s = by_columns ? piece(n, tasks, task, width) : Piece{0, n};
        if (r.begin != r.end && s.begin != s.end) body(r, s);
    });
}

template <class T, class Epilogue = NoEpilogue> void multiply(Size m, Size n, Size k, View<T> a, View<T> b, T* c,
                                                              const T* bias = nullptr, const Epilogue& epilogue = {}) {
    for_each_share<T>(m, n, k, [&](Piece r, Piece s) {
        multiply_block<T>(r.end - r.begin, s.end - s.begin, k, {a.p + r.begin * a.rows, a.rows, a.columns},
                          {b.p + s.begin * b.columns, b.rows, b.columns}, c ? c + r.begin * n + s.begin : nullptr, n,
                          bias ? bias + s.begin : nullptr,
                          [&](T* tile, Size i, Size j, Size rows, Size columns, Size c_rows)
                              FG_INLINE_CALL { epilogue(tile, r.begin + i, s.begin + j, rows, columns, c_rows); });
    });
}

// The numbers of multiply, without a place for the result: the epilogue alone sees each finished tile, in a buffer
// that stays in the first-level cache. It may change the tile, and anything that the product does not read.
template <class T, class Epilogue>
void multiply_tiles(Size m, Size n, Size k, View<T> a, View<T> b, const Epilogue& epilogue) {
    multiply<T>(m, n, k, a, b, nullptr, nullptr, epilogue);
}

} // namespace fastgrad::FASTGRAD_SET
