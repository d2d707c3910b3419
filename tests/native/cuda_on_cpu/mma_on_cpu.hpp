// The tensor cores' instructions of csrc/cuda/mma.hpp on the processor: the same shares of the lanes, sums in double.
#pragma once

#include "cuda_runtime.h"

namespace cuda_on_cpu {

inline float float_of(std::uint32_t bits) {
    float x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}
inline std::uint32_t bits_of(float x) {
    std::uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}

inline std::uint32_t tf32_of(float x) { // halves away from zero
    return x != x ? 0x7fffe000u : (bits_of(x) + 0x1000u) & 0xffffe000u;
}
inline std::uint32_t bf16_of(float x) { // halves to even
    const std::uint32_t bits = bits_of(x);
    return x != x ? 0x7fffu : (bits + 0x7fffu + (bits >> 16 & 1)) >> 16;
}

// body(of) with of(l) the `mine` of lane l, for all lanes of the warp together.
template <class T, class Body> void with_lanes(const T& mine, Body body) {
    show(reinterpret_cast<std::uintptr_t>(&mine));
    __syncwarp();
    body([](int lane) -> const T& { return *reinterpret_cast<const T*>(std::uintptr_t(shown(lane))); });
    __syncwarp();
}

inline void load_matrices(std::uint32_t (&to)[4], const void* chunk) {
    const int l = lane();
    with_lanes(chunk, [&](auto chunk_of) {
        for (int i = 0; i < 4; ++i) {
            const auto* const row = static_cast<const std::uint32_t*>(chunk_of(8 * i + l / 4));
            if (reinterpret_cast<std::uintptr_t>(row) % 16 != 0) std::abort();
            to[i] = row[l % 4];
        }
    });
}

// A word holds `per_word` numbers, of which number(word, i) is the i-th.
template <int per_word, class Number>
void multiply_add(float (&sum)[4], const std::uint32_t (&a)[4], const std::uint32_t* b, Number number) {
    struct Share {
        std::uint32_t a[4], b[2];
    };
    const Share mine{{a[0], a[1], a[2], a[3]}, {b[0], b[1]}};
    const int l = lane();
    with_lanes(mine, [&](auto share) {
        for (int e = 0; e < 4; ++e) {
            const int row = l / 4, low = e / 2, column = l % 4 * 2 + e % 2;
            double total = sum[e];
            for (int w = 0; w < 8; ++w)
                for (int i = 0; i < per_word; ++i)
                    total += double(number(share(row * 4 + w % 4).a[w / 4 * 2 + low], i)) *
                             double(number(share(column * 4 + w % 4).b[w / 4], i));
            sum[e] = float(total);
        }
    });
}

} // namespace cuda_on_cpu
