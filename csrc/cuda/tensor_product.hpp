// The matrix product on tensor cores: float32 in memory, TF32 or bfloat16 factors, float32 sums.
#pragma once

#include "gemm.hpp"
#include "tensor_tile.hpp"

namespace fastgrad::cuda {

struct BlockPlace {
    Size row, column;
};
// Where a block's tile begins: blocks that run at the same time lie in a square rather than in a row, and share more of
// what they read.
template <class Tile> __device__ __forceinline__ BlockPlace place_of_block(Size n) {
    constexpr unsigned together = 8; // rows
    const unsigned across = unsigned((n + Tile::columns - 1) / Tile::columns), down = gridDim.x / across;
    const unsigned group = blockIdx.x / (together * across), within = blockIdx.x % (together * across);
    const unsigned first = group * together, left = down - first, rows = left < together ? left : together;
    return {Size(first + within % rows) * Tile::rows, Size(within / rows) * Tile::columns};
}

// As product_kernel of gemm.hpp.
template <class Tile, class Kind, bool packed, class Epilogue> __global__ void __launch_bounds__(block_threads)
    tensor_product_kernel(Size m, Size n, Size k, Size k_part, View<float> a, View<float> b_transposed, Size a_step,
                          Size b_step, Epilogue epilogue) {
    using A = Factor<Tile::rows, Tile::pieces, Kind, packed>;
    using B = Factor<Tile::columns, Tile::pieces, Kind, packed>;
    unsigned char* const shared = dynamic_shared<unsigned char>();
    a.p += Size(blockIdx.z) * a_step, b_transposed.p += Size(blockIdx.z) * b_step;
    if (k_part < k) {
        const Size begin = Size(blockIdx.z) * k_part;
        a.p += begin * a.columns, b_transposed.p += begin * b_transposed.columns;
        k = k_part < k - begin ? k_part : k - begin;
    }
    const int warp = int(threadIdx.x) / 32;
    WarpTile<Tile::warp_rows, Tile::warp_columns, Kind> warp_tile(warp / Tile::warps_across * Tile::warp_rows,
                                                                  warp % Tile::warps_across * Tile::warp_columns);
    {
        const auto [row, column] = place_of_block<Tile>(n);
        A left(a, row, m);
        B right(b_transposed, column, n);
#pragma unroll
        for (int piece = 0; piece < Tile::pieces; ++piece) {
            left.fetch(k, piece), right.fetch(k, piece);
            left.put(shared, piece), right.put(shared + Tile::rows * row_bytes, piece);
        }
        __syncthreads();
        int now = 0;
        for (Size left_k = k; left_k > 0; left_k -= A::depth, now ^= 1) {
            const bool more = left_k > A::depth;
            left.go_on(), right.go_on();
            const unsigned char* const tile = shared + now * Tile::factor_bytes;
            unsigned char* const next = shared + (now ^ 1) * Tile::factor_bytes; // nobody reads that one any more
#pragma unroll
            for (int piece = 0; piece < Tile::pieces; ++piece) {
                if (more) left.fetch(left_k - A::depth, piece), right.fetch(left_k - A::depth, piece);
#pragma unroll
                for (int step = piece * steps / Tile::pieces; step < (piece + 1) * steps / Tile::pieces; ++step)
                    warp_tile.multiply(tile, tile + Tile::rows * row_bytes, step);
                if (more) left.put(next, piece), right.put(next + Tile::rows * row_bytes, piece);
            }
            __syncthreads();
        }
    }
    // By way of shared memory, so that neighbouring threads have neighbours of a row.
    float* const sums = reinterpret_cast<float*>(shared);
    warp_tile.put(sums, Tile::pitch);
    __syncthreads();
    const auto [row, column] = place_of_block<Tile>(n); // again: the loop above needs all registers
#pragma unroll 1
    for (int u = int(threadIdx.x); u < Tile::rows * Tile::columns / fragment; u += block_threads) {
        const int i = u / (Tile::columns / fragment), j = u % (Tile::columns / fragment) * fragment;
        if (row + i >= m || column + j >= n) continue;
        const auto sum = *reinterpret_cast<const Pack<float, fragment>*>(sums + i * Tile::pitch + j);
        const Size left = n - column - j;
        epilogue(row + i, column + j, sum.v, left < fragment ? int(left) : fragment);
    }
}

inline bool has_shared(int bytes) {
    static thread_local int device = -1, most = 0;
    if (const int now = current_device(); now != device) {
        check(cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, now));
        device = now;
    }
    return bytes <= most;
}

// `count` products of a batch, or parts of one.
template <class Tile, class Kind, bool packed, class Epilogue>
void launch_tensor_product(const Matmul<float>& p, Size k_part, unsigned count, Epilogue epilogue) {
    const auto kernel = tensor_product_kernel<Tile, Kind, packed, Epilogue>;
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, Tile::shared));
    launch(kernel, grid_of_tiles(p.m, p.n, Tile::rows, Tile::columns, count), block_threads, std::size_t(Tile::shared),
           p.m, p.n, p.k, k_part, p.a, p.b.transposed(), p.a_step, p.b_step, epilogue);
}

using SmallTile = TensorTile<64, 64, 32, 16, 2>; // also for what cannot be read in fours

inline bool are_packed(const Matmul<float>& p) {
    return can_be_packed(p.a, p.m, p.k) && can_be_packed(p.b.transposed(), p.n, p.k) && p.a_step % 4 == 0 &&
           p.b_step % 4 == 0;
}

// As products() and parts_of_product() of gemm.hpp.
template <class Kind, class Epilogue> void tensor_products(Kind, const Matmul<float>& p, Epilogue epilogue) {
    if (p.batch == 0 || p.m == 0 || p.n == 0) return;
    const auto run = [&]<class Tile, bool packed>(Tile, std::bool_constant<packed>) {
        launch_tensor_product<Tile, Kind, packed>(p, p.k, unsigned(p.batch), epilogue);
    };
    if (!are_packed(p)) return run(SmallTile(), std::false_type());
    using Medium = TensorTile<128, 128, 64, 32, 2>;
    if constexpr (Kind::per_word == 1) { // twice the numbers of bfloat16 would not leave registers for the sums
        using Large = TensorTile<128, 256, 64, 64, 2>;
        if (suits(p.batch, p.m, p.n, Large::rows, Large::columns) && has_shared(Large::shared))
            return run(Large(), std::true_type());
    }
    if (suits(p.batch, p.m, p.n, Medium::rows, Medium::columns)) return run(Medium(), std::true_type());
    run(SmallTile(), std::true_type());
}
template <class Kind>
void parts_of_tensor_product(Kind, const Matmul<float>& p, Size part, unsigned count, float* sums) {
    const Store<float> store{sums, p.m, p.n};
    if (are_packed(p)) launch_tensor_product<SmallTile, Kind, true>(p, part, count, store);
    else launch_tensor_product<SmallTile, Kind, false>(p, part, count, store);
}

} // namespace fastgrad::cuda
