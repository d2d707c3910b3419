// How the threads of a grid share elements and rows, and how those of a block add up: in an order that depends on
// nothing but the sizes.
#pragma once

#include "lane.hpp"
#include "launch.hpp"

namespace fastgrad::cuda {

constexpr int block_threads = 256;

// Up to 16 bytes of neighbours, which one instruction reads or writes.
template <class T, int n> struct alignas(sizeof(T) * n) Pack {
    T v[n];
};
template <class T> constexpr int pack_size = int(16 / sizeof(T));

template <class... Pointers> __host__ __device__ bool are_aligned(Pointers... p) {
    return ((reinterpret_cast<std::uintptr_t>(p) % 16 == 0) && ...);
}

// The memory of the block that a launch asks for.
template <class T> __device__ __forceinline__ T* dynamic_shared() {
#ifdef __CUDACC__
    extern __shared__ __align__(16) unsigned char memory[];
    return reinterpret_cast<T*>(memory);
#else
    return static_cast<T*>(cuda_on_cpu::dynamic_shared());
#endif
}

// body(i) for every element i < n, by the grid's threads side by side.
template <class Body> __device__ __forceinline__ void for_each_element(Size n, Body body) {
    const Size step = Size(gridDim.x) * blockDim.x;
    for (Size i = Size(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += step) body(i);
}

// A grid for n elements: enough blocks to fill the device some times over.
inline dim3 grid_for(Size n) {
    const Size wanted = Size(blocks_for(n, block_threads)), most = Size(multiprocessors()) * 16;
    return dim3(unsigned(wanted < most ? wanted : most));
}

struct Add {
    template <class T> __device__ __forceinline__ T operator()(T a, T b) const { return a + b; }
};
struct Larger { // NaN is passed over
    template <class T> __device__ __forceinline__ T operator()(T a, T b) const { return b > a || !(a == a) ? b : a; }
};

// All 32 lanes get join over all lanes.
template <class T, class Join> __device__ __forceinline__ T over_warp(T x, Join join) {
    for (int by = 16; by > 0; by /= 2) x = join(x, __shfl_xor_sync(0xffffffffu, x, by));
    return x;
}

// All threads of the block (whole warps) get join over all of them; `room` has a place for every warp. Barriers inside.
template <class T, class Join> __device__ __forceinline__ T over_block(T x, Join join, T* room, T neutral) {
    const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32, warps = int(blockDim.x) / 32;
    x = over_warp(x, join);
    if (warps == 1) return x;
    __syncthreads(); // room may still be read from the last time
    if (lane == 0) room[warp] = x;
    __syncthreads();
    return over_warp(lane < warps ? room[lane] : neutral, join);
}

} // namespace fastgrad::cuda
