// dropout: y = x / (1 - p) where the random number of the element says so, else 0. No mask is stored: backward draws
// the same numbers again.
#pragma once

#include "split.hpp"

#include "../fastgrad/random.hpp"

namespace fastgrad::FASTGRAD_SET {

// Element i keeps if number offset + i of the stream is at least p 2^32.
template <class T> void dropout(T* y, const T* x, Size n, double p, const RandomCounter& counter) {
    const auto [seed, offset] = counter;
    constexpr int blocks = 16, numbers = 4 * blocks;
    const std::uint64_t threshold = std::uint64_t(p * 4294967296.0);
    const T scale = p < 1 ? T(1 / (1 - p)) : T(0);
    for_each_piece<T>(n, 2.0, [&](Size begin, Size count) {
        std::uint32_t word[4][blocks];
        for (const Size end = begin + count; begin < end;) {
            const std::uint64_t number = offset + std::uint64_t(begin), first = number / 4;
            philox(word, first, seed);
            const Size skipped = Size(number % 4),
                       some = numbers - skipped < end - begin ? numbers - skipped : end - begin;
            for (Size i = 0; i < some; ++i, ++begin) {
                const Size drawn = skipped + i;
                y[begin] = word[drawn % 4][drawn / 4] >= threshold ? x[begin] * scale : T(0);
            }
        }
    });
}

} // namespace fastgrad::FASTGRAD_SET
