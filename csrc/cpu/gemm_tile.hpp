// The register tile of the matrix product: c (rows x columns) = a b, or c += a b, all of k in one chain of fma.
//
// A tile is `rows` rows of `vectors` registers. Per step of k it loads `vectors` registers of b and broadcasts one
// number of a per row. Each element of c is one chain of fma over k in order, whatever the tile, so the result does not
// depend on how a product is cut into tiles.
#pragma once

#include "../fastgrad/kernels.hpp"
#include "narrow.hpp"

namespace fastgrad::FASTGRAD_SET {

constexpr int tile_vectors = 2;
// accumulators + b + one broadcast must fit the registers
constexpr int tile_rows = vector_registers == 32 ? 14 : 6;

template <class T> struct Tile {
    Size k;
    const T* a; // element (i, p) is a[i * a_rows + p * a_columns]
    Size a_rows, a_columns;
    const T* b; // row p starts at b + p * b_rows, columns are contiguous
    Size b_rows;
    Size whole_rows; // of b: so many from the first may be read by whole registers, whatever `columns`
    T* c;
    Size c_rows;
    Size columns;  // of c in this tile, at most tile_vectors registers
    bool add;      // c += instead of c =
    const T* bias; // added to each row at the end; or null
};

// Calls body(Index<0>{}), body(Index<1>{}), ...: indices known to the compiler, so that arrays become registers.
template <int i> struct Index {
    constexpr operator int() const { return i; }
};
template <int count, class Body> FG_INLINE void unroll(const Body& body) {
    if constexpr (count > 0) {
        unroll<count - 1>(body);
        body(Index<count - 1>{});
    }
}

// V is the register: Vec<T>, or half of one.
template <class V, int rows, int vectors, bool partial> void multiply_tile(const Tile<typename V::Scalar>& t) {
    using T = typename V::Scalar;
    constexpr int last = vectors - 1;
    const Size n_last = t.columns - last * V::lanes;
    const auto load = [&](const T* p, int j) FG_INLINE_CALL {
        return partial && j == last ? V::load_partial(p + j * V::lanes, n_last) : V::load(p + j * V::lanes);
    };
    V acc[rows][vectors];
    if (t.add)
        unroll<rows>([&](auto i) FG_INLINE_CALL {
            unroll<vectors>([&](auto j) FG_INLINE_CALL { acc[i][j] = load(t.c + i * t.c_rows, j); });
        });
    else
        unroll<rows>([&](auto i)
                         FG_INLINE_CALL { unroll<vectors>([&](auto j) FG_INLINE_CALL { acc[i][j] = V(0.0); }); });

    // Three rows of a share a pointer and reach theirs by once or twice the distance: few registers, no arithmetic. The
    // compiler must not see how the pointers are related, or it keeps fourteen distances instead, some of them in
    // vector registers, whose moves take the ports of fma.
    constexpr int triples = (rows + 2) / 3;
    const Size a_rows = t.a_rows, a_columns = t.a_columns, b_rows = t.b_rows;
    const T* a[triples];
    unroll<triples>([&](auto g) FG_INLINE_CALL {
        a[g] = t.a + 3 * g * a_rows;
        asm("" : "+r"(a[g]));
    });
    const T* b = t.b;
    const auto steps = [&](Size count, const auto& load_b) FG_INLINE_CALL {
        for (; count > 0; --count, b += b_rows) {
            V bv[vectors];
            unroll<vectors>([&](auto j) FG_INLINE_CALL { bv[j] = load_b(b, j); });
            unroll<rows>([&](auto i) FG_INLINE_CALL {
                const V av = V::broadcast(a[i / 3] + i % 3 * a_rows);
                unroll<vectors>([&](auto j) FG_INLINE_CALL { acc[i][j] = fma(av, bv[j], acc[i][j]); });
            });
            unroll<triples>([&](auto g) FG_INLINE_CALL { a[g] += a_columns; });
        }
    };
    if constexpr (!partial || free_partial_loads) {
        steps(t.k, load);
    } else {
        steps(t.whole_rows, [](const T* p, int j) FG_INLINE_CALL { return V::load(p + j * V::lanes); });
        steps(t.k - t.whole_rows, load);
    }

    if (t.bias)
        unroll<vectors>([&](auto j) FG_INLINE_CALL {
            const V bias = load(t.bias, j);
            unroll<rows>([&](auto i) FG_INLINE_CALL { acc[i][j] = acc[i][j] + bias; });
        });
    unroll<rows>([&](auto i) FG_INLINE_CALL {
        unroll<vectors>([&](auto j) FG_INLINE_CALL {
            T* c = t.c + i * t.c_rows + j * V::lanes;
            if (partial && j == last) acc[i][j].store_partial(c, n_last);
            else acc[i][j].store(c);
        });
    });
}

template <class T> using TileFunction = void (*)(const Tile<T>&);

// The tile for `rows` in [1, tile_rows] and `columns` in [1, tile_vectors * lanes].
template <class T> struct TileTable {
    static constexpr int kinds = narrow_registers ? 3 : 2; // half a register, one, two
    TileFunction<T> of[tile_rows][kinds][2];

    template <int rows> constexpr void fill() {
        TileFunction<T>(&row)[kinds][2] = of[rows - 1];
        if constexpr (narrow_registers) {
            row[0][0] = multiply_tile<Narrow<T>, rows, 1, false>;
            row[0][1] = multiply_tile<Narrow<T>, rows, 1, true>;
        }
        row[kinds - 2][0] = multiply_tile<Vec<T>, rows, 1, false>;
        row[kinds - 2][1] = multiply_tile<Vec<T>, rows, 1, true>;
        row[kinds - 1][0] = multiply_tile<Vec<T>, rows, 2, false>;
        row[kinds - 1][1] = multiply_tile<Vec<T>, rows, 2, true>;
        if constexpr (rows > 1) fill<rows - 1>();
    }
    constexpr TileTable() : of{} { fill<tile_rows>(); }

    FG_INLINE TileFunction<T> find(Size rows, Size columns) const {
        constexpr Size lanes = Vec<T>::lanes, half = lanes / 2;
        if (narrow_registers && columns <= half) return of[rows - 1][0][columns != half];
        return of[rows - 1][columns <= lanes ? kinds - 2 : kinds - 1][columns % lanes != 0];
    }
};

template <class T> inline constexpr TileTable<T> tile_table{};

// How many of `left` columns the next tile takes: half a register's operations cost half.
template <class T> FG_INLINE Size tile_columns(Size left) {
    constexpr Size lanes = Vec<T>::lanes, width = tile_vectors * lanes;
    if (narrow_registers && left > lanes && left <= lanes + lanes / 2) return lanes;
    return left < width ? left : width;
}

} // namespace fastgrad::FASTGRAD_SET
