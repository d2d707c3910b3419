// The matrix product in shared-memory tiles, with whatever is done to a finished element as its epilogue.
//
// An element is one chain of fma over k in order, as on the processor, whatever the tile: the bits are the same.
#pragma once

#include "grid.hpp"

namespace fastgrad::cuda {

// A block's tile is (rows, columns), a thread's (thread_rows, thread_columns); k goes by in steps of `depth`.
template <int rows_, int columns_, int depth_, int thread_rows_, int thread_columns_> struct Tile {
    static constexpr int rows = rows_, columns = columns_, depth = depth_;
    static constexpr int thread_rows = thread_rows_, thread_columns = thread_columns_;
    static constexpr int across = columns / thread_columns, threads = rows / thread_rows * across;
};

// Reads [rows x depth] numbers of `a` from row `row` and column `column` on into `to` (depth, rows), zeros beyond its
// ends. Neighbouring threads read along the dimension that is contiguous in memory.
template <int rows, int depth, int threads, class T>
__device__ __forceinline__ void read_tile(T (&to)[depth][rows + 1], View<T> a, Size row, Size column, Size m, Size k) {
    const bool along_rows = a.rows == 1;
#pragma unroll
    for (int i = int(threadIdx.x); i < rows * depth; i += threads) {
        const int r = along_rows ? i % rows : i / depth, c = along_rows ? i / rows : i % depth;
        const bool inside = row + r < m && column + c < k;
        to[c][r] = inside ? a.p[(row + r) * a.rows + (column + c) * a.columns] : T(0);
    }
}

// y (m, n) = a (m, k) b (k, n); epilogue(i, j, sum) gets every element once. blockIdx.z counts a batch of products.
template <class Tile, class T, class Epilogue> __global__ void __launch_bounds__(Tile::threads)
    product_kernel(Size m, Size n, Size k, View<T> a, View<T> b_transposed, Size a_step, Size b_step,
                   Epilogue epilogue) {
    __shared__ T a_tile[Tile::depth][Tile::rows + 1], b_tile[Tile::depth][Tile::columns + 1];
    a.p += Size(blockIdx.z) * a_step, b_transposed.p += Size(blockIdx.z) * b_step;
    const Size row = Size(blockIdx.y) * Tile::rows, column = Size(blockIdx.x) * Tile::columns;
    const int down = int(threadIdx.x) / Tile::across, across = int(threadIdx.x) % Tile::across;
    T sum[Tile::thread_rows][Tile::thread_columns] = {};
    for (Size at = 0; at < k; at += Tile::depth) {
        read_tile<Tile::rows, Tile::depth, Tile::threads>(a_tile, a, row, at, m, k);
        read_tile<Tile::columns, Tile::depth, Tile::threads>(b_tile, b_transposed, column, at, n, k);
        __syncthreads();
#pragma unroll
        for (int l = 0; l < Tile::depth; ++l) {
            T left[Tile::thread_rows], right[Tile::thread_columns];
#pragma unroll
            for (int i = 0; i < Tile::thread_rows; ++i)
                left[i] = a_tile[l][down + i * (Tile::rows / Tile::thread_rows)];
#pragma unroll
            for (int j = 0; j < Tile::thread_columns; ++j) right[j] = b_tile[l][across + j * Tile::across];
#pragma unroll
            for (int i = 0; i < Tile::thread_rows; ++i)
#pragma unroll
                for (int j = 0; j < Tile::thread_columns; ++j)
                    sum[i][j] = fma(Vec<T>(left[i]), Vec<T>(right[j]), Vec<T>(sum[i][j])).v;
        }
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < Tile::thread_rows; ++i)
#pragma unroll
        for (int j = 0; j < Tile::thread_columns; ++j) {
            const Size r = row + down + i * (Tile::rows / Tile::thread_rows), c = column + across + j * Tile::across;
            if (r < m && c < n) epilogue(r, c, sum[i][j]);
        }
}

// Starts the product with the largest tile that still gives every multiprocessor work.
template <class T, class Epilogue>
void product(Size batch, Size m, Size n, Size k, View<T> a, View<T> b, Size a_step, Size b_step, Epilogue epilogue) {
    if (batch == 0 || m == 0 || n == 0) return;
    const auto run = [&]<class Tile>(Tile) {
        const dim3 blocks(blocks_for(n, Tile::columns), blocks_for(m, Tile::rows), unsigned(batch));
        launch(product_kernel<Tile, T, Epilogue>, blocks, Tile::threads, 0, m, n, k, a, b.transposed(), a_step, b_step,
               epilogue);
    };
    const auto tiles = [&](Size side) { return batch * ((m + side - 1) / side) * ((n + side - 1) / side); };
    if constexpr (sizeof(T) == 4) // double is for checks: fewer kernels
        if (tiles(128) >= multiprocessors()) return run(Tile<128, 128, 8, 8, 8>());
    if (tiles(64) >= multiprocessors()) run(Tile<64, 64, 16, 4, 4>());
    else run(Tile<32, 32, 32, 2, 4>());
}

} // namespace fastgrad::cuda
