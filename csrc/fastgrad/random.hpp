// Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): random bits as a pure function of
// a key and a counter, so the same numbers come out whatever the number of threads, and on every device.
//
// Number i of a stream with `seed` is word i % 4 of philox(counter = {lo(i / 4), hi(i / 4), 0, 0}, key = {lo(seed),
// hi(seed)}).
#pragma once

#include <cstdint>

namespace fastgrad::FASTGRAD_SET {

// `lanes` blocks at once: word[w][i] is word w of block first + i.
template <int lanes> FG_INLINE void philox(std::uint32_t (&word)[4][lanes], std::uint64_t first, std::uint64_t seed) {
    std::uint32_t key0 = std::uint32_t(seed), key1 = std::uint32_t(seed >> 32);
    for (int i = 0; i < lanes; ++i) {
        word[0][i] = std::uint32_t(first + std::uint64_t(i));
        word[1][i] = std::uint32_t((first + std::uint64_t(i)) >> 32);
        word[2][i] = word[3][i] = 0;
    }
    for (int round = 0; round < 10; ++round) {
        for (int i = 0; i < lanes; ++i) {
            const std::uint64_t a = std::uint64_t(word[0][i]) * 0xD2511F53u,
                                b = std::uint64_t(word[2][i]) * 0xCD9E8D57u;
            const std::uint32_t w1 = word[1][i], w3 = word[3][i];
            word[0][i] = std::uint32_t(b >> 32) ^ w1 ^ key0;
            word[1][i] = std::uint32_t(b);
            word[2][i] = std::uint32_t(a >> 32) ^ w3 ^ key1;
            word[3][i] = std::uint32_t(a);
        }
        key0 += 0x9E3779B9u, key1 += 0xBB67AE85u;
    }
}

} // namespace fastgrad::FASTGRAD_SET
