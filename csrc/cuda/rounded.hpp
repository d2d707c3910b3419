// Matrices in bfloat16, for a product that reads its factors many times.
#pragma once

#include "fragment.hpp"
#include "mma.hpp"

namespace fastgrad::cuda {

// Lines of neighbours, `step` apart, in matrices `matrix_step` apart.
struct Lines {
    const float* from;
    Size length, count, step;
    Size matrices, matrix_step;

    static constexpr Size together = 2 * fragment; // numbers that a thread rounds: 16 bytes
    Size packs() const { return (length + together - 1) / together; }
    Size rounded_step() const { return packs() * together; } // of the rounded ones: all begin at multiples of 16 bytes
    std::size_t room() const { return std::size_t(matrices * count * rounded_step()) * 2 + 256; }
};

// What lies between the lines is of no meaning afterwards. Index: what the number of packs fits.
template <class Index> __global__ void round_kernel(Pack<Word, 4>* to, Lines lines, Index packs, Index all) {
    for_each_element(all, [&](Size at) {
        const Index line = Index(at) / packs, pack = Index(at) % packs;
        const Index matrix = line / Index(lines.count), line_of_matrix = line % Index(lines.count);
        const Size begin = Size(pack) * Lines::together, left = lines.length - begin;
        const float* const from =
            lines.from + Size(matrix) * lines.matrix_step + Size(line_of_matrix) * lines.step + begin;
        Pack<Word, 4> words;
#pragma unroll
        for (int half = 0; half < 2; ++half) {
            float x[fragment];
            const Size here = left - half * fragment;
            load(from + half * fragment, x, here < fragment ? int(here) : fragment);
#pragma unroll
            for (int i = 0; i < 2; ++i) words.v[2 * half + i] = word_of(Bf16(), x + 2 * i);
        }
        to[at] = words;
    });
}

// In scratch memory, of which room() has to be reserved.
inline const void* round_lines(const Lines& lines) {
    const Size packs = lines.packs(), all = lines.matrices * lines.count * packs;
    auto* const to = static_cast<Pack<Word, 4>*>(scratch(lines.room() - 256));
    const auto run = [&](auto index) {
        using Index = decltype(index);
        launch(round_kernel<Index>, grid_for(all), block_threads, 0, to, lines, Index(packs), Index(all));
    };
    if (all <= Size(0xffffffffu)) run(std::uint32_t());
    else run(Size());
    return to;
}

} // namespace fastgrad::cuda
