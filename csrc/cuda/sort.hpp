// Whole numbers in order, each with the position that it had; equal ones stay as they were. CUB sorts.
#pragma once

#include <bit>

#include "grid.hpp"

#ifdef __CUDACC__
#include <cub/device/device_radix_sort.cuh>
#else
#include "sort_on_cpu.hpp"
#endif

namespace fastgrad::cuda {

struct Sorted {
    const std::int64_t* keys;
    const Size* positions;
};

inline __global__ void number_kernel(Size* to, Size n) {
    for_each_element(n, [&](Size i) { to[i] = i; });
}

// With null for `work` it only says how many bytes of it are needed.
inline void sort_pairs(void* work, std::size_t& bytes, const std::int64_t* keys, std::int64_t* sorted,
                       const Size* positions, Size* moved, Size n, Size keys_below) {
    const int bits = std::bit_width(std::uint64_t(keys_below));
#ifdef __CUDACC__
    check(cub::DeviceRadixSort::SortPairs(work, bytes, keys, sorted, positions, moved, n, 0, bits, call.stream));
#else
    cuda_on_cpu::sort_pairs(work, bytes, keys, sorted, positions, moved, n, bits, call.stream);
#endif
}
// In scratch memory, all of which is reserved for it. Keys from 0 to keys_below - 1 are in order; others may lie
// anywhere.
inline Sorted sort(const std::int64_t* keys, Size n, Size keys_below) {
    std::size_t bytes = 0;
    sort_pairs(nullptr, bytes, nullptr, nullptr, nullptr, nullptr, n, keys_below);
    reserve(3 * up(std::size_t(n) * sizeof(Size), 256) + up(bytes, 256));
    Size *const positions = scratch_of<Size>(n), *const moved = scratch_of<Size>(n);
    std::int64_t* const sorted = scratch_of<std::int64_t>(n);
    void* const work = scratch(bytes);
    launch(number_kernel, grid_for(n), block_threads, 0, positions, n);
    sort_pairs(work, bytes, keys, sorted, positions, moved, n, keys_below);
    return {sorted, moved};
}

} // namespace fastgrad::cuda
