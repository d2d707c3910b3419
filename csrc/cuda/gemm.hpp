// The matrix product in tiles of shared memory, with whatever is done to finished elements as its epilogue.
//
// An element is one chain of fma over k in order, as on the processor, whatever the tile: the bits are the same.
#pragma once

#include "fragment.hpp"

namespace fastgrad::cuda {

// A block's tile is (rows, columns); a thread makes (thread_rows, thread_columns) of it, in squares of `fragment` that
// lie far apart, so that neighbouring threads read neighbouring memory. k goes by in steps of `depth`.
template <int rows_, int columns_, int depth_, int thread_rows_, int thread_columns_> struct Tile {
    static constexpr int rows = rows_, columns = columns_, depth = depth_;
    static constexpr int down = thread_rows_ / fragment, across = thread_columns_ / fragment; // squares of a thread
    static constexpr int threads_across = columns / thread_columns_;
    static constexpr int threads = rows / thread_rows_ * threads_across;
};

// One operand's way into shared memory as [depth][rows]: fetched to registers while the tile before is computed with,
// then put down. Neighbouring threads read along the dimension that is contiguous.
template <int rows, int depth, int threads, class T> struct Operand {
    static constexpr int each = rows * depth / fragment / threads; // fragments of a thread
    static constexpr int stride = rows + fragment;                 // of shared memory: fewer bank conflicts
    static_assert(each * fragment * threads == rows * depth);

    View<T> a;
    Size row, m, k;
    bool along_rows, is_packed; // packed: a fragment can be read at once
    T held[each][fragment];

    __device__ __forceinline__ Operand(View<T> view, Size first_row, Size row_count, Size column_count)
        : a(view), row(first_row), m(row_count), k(column_count), along_rows(view.rows == 1) {
        const Size step = along_rows ? a.columns : a.rows, beside = along_rows ? a.rows : a.columns;
        is_packed = beside == 1 && step % fragment == 0 && are_aligned(a.p);
    }
    __device__ __forceinline__ static int number(int e) { return int(threadIdx.x) + e * threads; }
    // Of fragment e: its first row and column within the tile.
    __device__ __forceinline__ int row_of(int e) const {
        return along_rows ? number(e) % (rows / fragment) * fragment : number(e) / (depth / fragment);
    }
    __device__ __forceinline__ int column_of(int e) const {
        return along_rows ? number(e) / (rows / fragment) : number(e) % (depth / fragment) * fragment;
    }
    __device__ __forceinline__ void fetch(Size at) {
#pragma unroll
        for (int e = 0; e < each; ++e) {
            const Size r = row + row_of(e), c = at + column_of(e);
            const Size left = along_rows ? m - r : k - c; // in the direction of the fragment
            const bool is_inside = along_rows ? c < k : r < m;
            const T* from = a.p + r * a.rows + c * a.columns;
            if (is_packed && is_inside && left >= fragment) {
                load_fragment(held[e], from);
            } else {
                const Size step = along_rows ? a.rows : a.columns;
#pragma unroll
                for (int i = 0; i < fragment; ++i) held[e][i] = is_inside && i < left ? from[i * step] : T(0);
            }
        }
    }
    __device__ __forceinline__ void put(T* tile) const {
#pragma unroll
        for (int e = 0; e < each; ++e)
#pragma unroll
            for (int i = 0; i < fragment; ++i) {
                const int r = row_of(e) + (along_rows ? i : 0), c = column_of(e) + (along_rows ? 0 : i);
                tile[c * stride + r] = held[e][i];
            }
    }
};

template <class T> struct Store {          // y (m, n), one matrix after the other
    static constexpr bool is_plain = true; // the elements stay what they are
    T* y;
    Size m, n;
    __device__ void operator()(Size i, Size j, const T* sums, int count) const {
        store(y + (Size(blockIdx.z) * m + i) * n + j, sums, count);
    }
};

// Tiles are numbered along the rows of tiles: blockIdx.x, as the others have no more than 65535 numbers.
inline dim3 grid_of_tiles(Size m, Size n, int rows, int columns, unsigned count) {
    return dim3(blocks_for(m, rows) * blocks_for(n, columns), 1, count);
}

// (m, n) = a (m, k) b (k, n), with b given transposed. epilogue(i, j, sums, count) gets every element once, up to
// `fragment` neighbours of a row at a time. blockIdx.z counts a batch of products; or parts of one, each of `k_part` of
// k.
template <class Tile, class T, class Epilogue> __global__ void __launch_bounds__(Tile::threads)
    product_kernel(Size m, Size n, Size k, Size k_part, View<T> a, View<T> b_transposed, Size a_step, Size b_step,
                   Epilogue epilogue) {
    using A = Operand<Tile::rows, Tile::depth, Tile::threads, T>;
    using B = Operand<Tile::columns, Tile::depth, Tile::threads, T>;
    __shared__ __align__(16) T a_tile[2][Tile::depth * A::stride], b_tile[2][Tile::depth * B::stride];
    a.p += Size(blockIdx.z) * a_step, b_transposed.p += Size(blockIdx.z) * b_step;
    if (k_part < k) {
        const Size begin = Size(blockIdx.z) * k_part;
        a.p += begin * a.columns, b_transposed.p += begin * b_transposed.columns;
        k = k_part < k - begin ? k_part : k - begin;
    }
    const unsigned across = unsigned((n + Tile::columns - 1) / Tile::columns);
    const Size row = Size(blockIdx.x / across) * Tile::rows, column = Size(blockIdx.x % across) * Tile::columns;
    A left(a, row, m, k);
    B right(b_transposed, column, n, k);
    const int first_row = int(threadIdx.x) / Tile::threads_across * fragment;
    const int first_column = int(threadIdx.x) % Tile::threads_across * fragment;
    T sum[Tile::down][fragment][Tile::across][fragment] = {};
    left.fetch(0), right.fetch(0);
    left.put(a_tile[0]), right.put(b_tile[0]);
    __syncthreads();
    for (Size at = 0, now = 0; at < k; at += Tile::depth, now ^= 1) {
        const bool more = at + Tile::depth < k;
        if (more) left.fetch(at + Tile::depth), right.fetch(at + Tile::depth);
#pragma unroll
        for (int l = 0; l < Tile::depth; ++l) {
            T x[Tile::down][fragment], y[Tile::across][fragment];
#pragma unroll
            for (int d = 0; d < Tile::down; ++d)
#pragma unroll
                for (int i = 0; i < fragment; ++i)
                    x[d][i] = a_tile[now][l * A::stride + d * (Tile::rows / Tile::down) + first_row + i];
#pragma unroll
            for (int c = 0; c < Tile::across; ++c)
#pragma unroll
                for (int j = 0; j < fragment; ++j)
                    y[c][j] = b_tile[now][l * B::stride + c * (Tile::columns / Tile::across) + first_column + j];
#pragma unroll
            for (int d = 0; d < Tile::down; ++d)
#pragma unroll
                for (int i = 0; i < fragment; ++i)
#pragma unroll
                    for (int c = 0; c < Tile::across; ++c)
#pragma unroll
                        for (int j = 0; j < fragment; ++j)
                            sum[d][i][c][j] = fma(Vec<T>(x[d][i]), Vec<T>(y[c][j]), Vec<T>(sum[d][i][c][j])).v;
        }
        if (more) left.put(a_tile[now ^ 1]), right.put(b_tile[now ^ 1]); // nobody reads that one any more
        __syncthreads();
    }
#pragma unroll
    for (int d = 0; d < Tile::down; ++d)
#pragma unroll
        for (int i = 0; i < fragment; ++i)
#pragma unroll
            for (int c = 0; c < Tile::across; ++c) {
                const Size r = row + d * (Tile::rows / Tile::down) + first_row + i;
                const Size j = column + c * (Tile::columns / Tile::across) + first_column;
                if (r < m && j < n) epilogue(r, j, sum[d][i][c], n - j < fragment ? int(n - j) : fragment);
            }
}

// The parts of a product, added up in order.
template <class T, class Epilogue>
__global__ void join_parts(Size m, Size n, const T* parts, int count, Epilogue epilogue) {
    const Size across = (n + fragment - 1) / fragment;
    for_each_element(m * across, [&](Size at) {
        const Size i = at / across, j = at % across * fragment;
        const int width = n - j < fragment ? int(n - j) : fragment;
        T sum[fragment] = {};
        for (int p = 0; p < count; ++p) {
            T part[fragment];
            load(parts + (p * m + i) * n + j, part, width);
#pragma unroll
            for (int c = 0; c < fragment; ++c) sum[c] += part[c];
        }
        epilogue(i, j, sum, width);
    });
}

inline Size count_tiles(Size m, Size n, Size rows, Size columns) {
    return ((m + rows - 1) / rows) * ((n + columns - 1) / columns);
}
// Whether tiles of this size suit products: there is one for every multiprocessor, and not much more of them lies
// outside of the matrices than of tiles of 64 by 64.
inline bool suits(Size batch, Size m, Size n, Size rows, Size columns) {
    const Size tiles = count_tiles(m, n, rows, columns);
    return batch * tiles >= multiprocessors() && 4 * tiles * rows * columns <= 5 * count_tiles(m, n, 64, 64) * 64 * 64;
}

// How much of k one block does. A result too small to give every multiprocessor a tile is made in parts where k is long
// (the gradients of weights from a large batch): more blocks, but sums in an order that depends on the device.
inline Size part_of_k(Size m, Size n, Size k) {
    constexpr Size least = 256, depth = 16;
    const Size blocks = count_tiles(m, n, 64, 64), most = k / least;
    if (blocks == 0 || 2 * blocks > multiprocessors() || most < 2) return k;
    const Size parts = 2 * multiprocessors() / blocks < most ? 2 * multiprocessors() / blocks : most;
    return ((k + parts - 1) / parts + depth - 1) / depth * depth;
}
// Scratch memory that such a product takes.
template <class T> std::size_t room_for_product(Size m, Size n, Size k) {
    const Size part = part_of_k(m, n, k);
    return part < k ? std::size_t(blocks_for(k, part)) * std::size_t(m * n) * sizeof(T) + 256 : 0;
}

// A batch of products, with the largest tile that suits them. p.y is not looked at: the epilogue knows where
// results go.
template <class T, class Epilogue> void products(const Matmul<T>& p, Epilogue epilogue) {
    if (p.batch == 0 || p.m == 0 || p.n == 0) return;
    const auto suits_tile = [&]<class Tile>(Tile) { return suits(p.batch, p.m, p.n, Tile::rows, Tile::columns); };
    const auto run = [&]<class Tile>(Tile) {
        launch(product_kernel<Tile, T, Epilogue>, grid_of_tiles(p.m, p.n, Tile::rows, Tile::columns, unsigned(p.batch)),
               Tile::threads, 0, p.m, p.n, p.k, p.k, p.a, p.b.transposed(), p.a_step, p.b_step, epilogue);
    };
    using Large = Tile<128, 128, 16, 8, 8>;
    using Narrow = Tile<128, 64, 16, 8, 4>;
    using Medium = Tile<64, 64, 16, 4, 4>;
    if constexpr (sizeof(T) == 4) { // double is for checks: fewer kernels
        if (suits_tile(Large())) return run(Large());
        if (suits_tile(Narrow())) return run(Narrow());
    }
    if (suits_tile(Medium())) run(Medium());
    else run(Tile<32, 32, 16, 4, 4>());
}

// The parts of a product, each of `part` of k.
template <class T> void parts_of_product(const Matmul<T>& p, Size part, unsigned count, T* sums) {
    using Part = Tile<64, 64, 16, 4, 4>;
    launch(product_kernel<Part, T, Store<T>>, grid_of_tiles(p.m, p.n, Part::rows, Part::columns, count), Part::threads,
           0, p.m, p.n, p.k, part, p.a, p.b.transposed(), Size(0), Size(0), Store<T>{sums, p.m, p.n});
}

template <class T, class Epilogue> void join(Size m, Size n, const T* parts, unsigned count, Epilogue epilogue) {
    launch(join_parts<T, Epilogue>, grid_for(m * n / fragment + 1), block_threads, 0, m, n, parts, int(count),
           epilogue);
}

} // namespace fastgrad::cuda
