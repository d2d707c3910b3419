// What CUB does, for csrc/cuda/sort.hpp.
#pragma once

#include <algorithm>
#include <numeric>
#include <vector>

#include "cuda_runtime.h"

namespace cuda_on_cpu {

template <class Key, class Value> void sort_pairs(void* work, std::size_t& bytes, const Key* keys, Key* sorted,
                                                  const Value* values, Value* moved, std::ptrdiff_t n, int bits,
                                                  cudaStream_t stream) {
    bytes = 1;
    if (!work) return;
    submit(
        [=] {
            std::vector<std::ptrdiff_t> order(n);
            std::iota(order.begin(), order.end(), 0);
            const auto key_of = [&](std::ptrdiff_t i) { return std::uint64_t(keys[i]) & ~(~std::uint64_t(0) << bits); };
            std::ranges::stable_sort(order, {}, key_of);
            for (std::ptrdiff_t i = 0; i < n; ++i) sorted[i] = keys[order[i]], moved[i] = values[order[i]];
        },
        stream);
}

} // namespace cuda_on_cpu
