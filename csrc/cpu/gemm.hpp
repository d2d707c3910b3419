// c (m, n) = a (m, k) b (k, n), with an epilogue on each finished tile while it is in the first-level cache.
#pragma once

#include "gemm_few_rows.hpp"
#include "gemm_tile.hpp"
#include "pack.hpp"
#include "split.hpp"

namespace fastgrad::FASTGRAD_SET {

struct NoEpilogue {
    template <class T> FG_INLINE void operator()(T*, Size, Size, Size, Size, Size) const {}
};

// Before a tile is made, for an epilogue that has something to say then: what it will read from far away can be on its
// way while the tile is computed.
template <class Epilogue>
FG_INLINE void announce(const Epilogue& epilogue, Size row, Size column, Size rows, Size columns) {
    if constexpr (requires { epilogue.announce(row, column, rows, columns); })
        epilogue.announce(row, column, rows, columns);
}

// An epilogue for a part of the result, which begins at (row, column) of the whole.
template <class Epilogue> struct Shifted {
    const Epilogue& whole;
    Size row, column;
    template <class T> FG_INLINE void operator()(T* tile, Size i, Size j, Size rows, Size columns, Size c_rows) const {
        whole(tile, row + i, column + j, rows, columns, c_rows);
    }
    FG_INLINE void announce(Size i, Size j, Size rows, Size columns) const {
        fastgrad::FASTGRAD_SET::announce(whole, row + i, column + j, rows, columns);
    }
};

// b up to this size is read in place if its rows are contiguous; tiles of few rows read it more often
constexpr Size direct_bytes = tile_rows > 8 ? 1 << 20 : 256 << 10;
// With 16 registers tiles have few rows and read b so often that the second-level cache cannot keep up: a panel of b,
// short enough for the first-level cache, then serves all rows of a before the next one has its turn.
constexpr bool panels_first = tile_rows <= 8;
constexpr Size block_k_bytes = panels_first ? 1536 : 4096; // of a row of a at a time
constexpr Size block_bytes = 768 << 10; // of packed b at a time: room for it in the second-level cache
constexpr Size near_bytes = 512 << 10;  // of a that panels take turns with, in the second-level cache
constexpr Size kept_bytes = 4 << 20;    // of packed a at a time
constexpr Size kept_rows = 256;         // a is packed for all of k if so many of its rows fit
// a is packed if its rows or columns are further apart than this, and so many columns of b share the cost
constexpr Size far_rows = 2048, far_columns = panels_first ? 512 : 2048, reused_columns = 128;

// The share, a multiple of `unit`, that n is cut into evenly so that none is more than `most`.
FG_INLINE Size even_share(Size n, Size most, Size unit) {
    const Size parts = (n + most - 1) / most;
    return parts <= 1 ? n : ((n + parts - 1) / parts + unit - 1) / unit * unit;
}

// How one thread's share of a product is cut into blocks, and which operands are packed.
template <class T> struct Blocks {
    static constexpr Size width = tile_vectors * Vec<T>::lanes, item = Size(sizeof(T));
    bool pack_a, keep_a, pack_b;
    Size step_m, step_n, step_k;

    Blocks(Size m, Size n, Size k, View<T> a, View<T> b) {
        pack_b = !(b.columns == 1 && k * n * item <= direct_bytes && (cheap_partial_loads || n % Vec<T>::lanes == 0));
        pack_a = (a.rows == 1 ? a.columns * item >= far_columns : a.rows * item >= far_rows) && n >= reused_columns;
        step_k = k == 0 ? 1 : even_share(k, block_k_bytes / item, 1);
        const Size fitting = block_bytes / (step_k * item) / width * width;
        step_n = pack_b ? even_share(n, fitting < width ? width : fitting, width) : n;
        const Size rows = kept_bytes / ((k ? k : 1) * item);
        keep_a = rows >= m || rows >= kept_rows;
        step_m = pack_a ? even_share(m, keep_a ? rows : kept_bytes / (step_k * item), 1) : m;
    }
};

// How many rows of b, whose columns are contiguous, can be read by whole registers although the last one of a row is
// only partly filled: those that other rows follow in memory.
template <class T> FG_INLINE Size rows_read_whole(View<T> b, Size k) {
    constexpr Size most = Vec<T>::lanes - 1; // numbers beyond the row's end
    if (b.rows <= 0) return 0;
    const Size last = (most + b.rows - 1) / b.rows;
    return k > last ? k - last : 0;
}

// One thread's share. epilogue(c, row, column, rows, columns, c_rows) is called once per finished tile. If c is null no
// result is stored: tiles are made in scratch memory and end with the epilogue.
template <class T, class Epilogue> void multiply_block(Size m, Size n, Size k, View<T> a, View<T> b, T* c, Size c_rows,
                                                       const T* bias, const Epilogue& epilogue) {
    if (suits_few_rows(m, n, k, b)) return multiply_few_rows<T>(m, n, k, a, b, c, c_rows, bias, epilogue);
    constexpr Size width = tile_vectors * Vec<T>::lanes;
    const Blocks<T> blocks(m, n, k, a, b);
    const auto [pack_a, keep_a, pack_b, step_m, step_n, step_k] = blocks;
    const bool one_tile = !c && step_k >= k;
    const Size sums_rows = one_tile ? width : step_n; // of the sums that rest between two blocks of k
    T* const sums =
        c ? nullptr
          : static_cast<T*>(scratch(Scratch::tiles,
                                    std::size_t((one_tile ? tile_rows : step_m) * (sums_rows + width)) * sizeof(T)));
    T *packed_a = nullptr, *packed_b = nullptr;
    if (pack_a)
        packed_a = static_cast<T*>(
            scratch(Scratch::packed_a, std::size_t(step_m * (keep_a ? k : step_k) + pack_slack) * sizeof(T)));
    if (pack_b)
        packed_b = static_cast<T*>(
            scratch(Scratch::packed_b, std::size_t((step_n + width - 1) / width * width * step_k) * sizeof(T)));
    for (Size m0 = 0; m0 < m; m0 += step_m) {
        const RowTiles tiles(m - m0 < step_m ? m - m0 : step_m);
        for (Size n0 = 0; n0 < n; n0 += step_n) {
            const Size columns = n - n0 < step_n ? n - n0 : step_n;
            for (Size k0 = 0; k0 == 0 || k0 < k; k0 += step_k) {
                const Size depth = k - k0 < step_k ? k - k0 : step_k;
                const bool finished = k0 + step_k >= k;
                const View<T> block_b{b.p + k0 * b.rows + n0 * b.columns, b.rows, b.columns};
                if (pack_b) pack_panels<T>(packed_b, block_b, depth, columns, width);
                const Size whole_rows = pack_b ? depth : rows_read_whole<T>(block_b, depth);
                const View<T> block_a{a.p + m0 * a.rows + k0 * a.columns, a.rows, a.columns};
                T* const rows_a = keep_a && pack_a ? packed_a + tiles.rows * k0 : packed_a;
                if (pack_a && (n0 == 0 || !keep_a)) pack_rows<T>(rows_a, block_a, tiles, depth);
                const auto make = [&](Size tile, Size j, Size some) FG_INLINE_CALL {
                    const Size top = tiles.begin(tile), rows = tiles.begin(tile + 1) - top, i = m0 + top;
                    const View<T> tile_a = pack_a ? View<T>{rows_a + top * depth, 1, rows}
                                                  : View<T>{block_a.p + top * a.rows, a.rows, a.columns};
                    T* const tile_c = c ? c + i * c_rows + n0 : one_tile ? sums : sums + top * sums_rows;
                    const Size tile_c_rows = c ? c_rows : sums_rows;
                    const Tile<T> t{depth,
                                    tile_a.p,
                                    tile_a.rows,
                                    tile_a.columns,
                                    pack_b ? packed_b + j / width * width * depth + j % width : block_b.p + j,
                                    pack_b ? width : b.rows,
                                    whole_rows,
                                    one_tile ? tile_c : tile_c + j,
                                    tile_c_rows,
                                    some,
                                    k0 > 0,
                                    finished && bias ? bias + n0 + j : nullptr};
                    if (finished) announce(epilogue, i, n0 + j, rows, some);
                    tile_table<T>.find(rows, some)(t);
                    if (finished) epilogue(t.c, i, n0 + j, rows, some, tile_c_rows);
                };
                if (panels_first && pack_b) {
                    const Size group = near_bytes / (tile_rows * step_k * Size(sizeof(T)));
                    for (Size first = 0; first < tiles.count; first += group)
                        for (Size j = 0, some; j < columns; j += some) {
                            some = tile_columns<T>(columns - j);
                            for (Size tile = first; tile < tiles.count && tile < first + group; ++tile)
                                make(tile, j, some);
                        }
                } else {
                    for (Size tile = 0; tile < tiles.count; ++tile)
                        for (Size j = 0, some; j < columns; j += some) {
                            some = tile_columns<T>(columns - j);
                            make(tile, j, some);
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
    constexpr double bytes_per_ns = 20; // what b takes to be read, which is all that counts if m is small
    const double nk = double(n) * double(k);
    const double cost = 2.0 * double(m) * nk / flops_per_ns + nk * double(sizeof(T)) / bytes_per_ns;
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

// Without a place for the result the epilogue alone sees each finished tile, in a buffer that stays in the first-level
// cache. It may change the tile, and anything that the product does not read.
template <class T, class Epilogue = NoEpilogue> void multiply(Size m, Size n, Size k, View<T> a, View<T> b, T* c,
                                                              const T* bias = nullptr, const Epilogue& epilogue = {}) {
    for_each_share<T>(m, n, k, [&](Piece r, Piece s) {
        multiply_block<T>(r.end - r.begin, s.end - s.begin, k, {a.p + r.begin * a.rows, a.rows, a.columns},
                          {b.p + s.begin * b.columns, b.rows, b.columns}, c ? c + r.begin * n + s.begin : nullptr, n,
                          bias ? bias + s.begin : nullptr, Shifted<Epilogue>{epilogue, r.begin, s.begin});
    });
}

} // namespace fastgrad::FASTGRAD_SET
