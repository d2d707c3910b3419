// The tensor cores' instructions. A warp computes with them together: each lane holds its share of the matrices.
//
// Factors lie in memory as rows of 16-byte chunks along k, four TF32 numbers or eight bfloat16 in each, and one
// instruction takes two chunks: so the shares are the same words for both.
#pragma once

#include "grid.hpp"

#ifndef __CUDACC__
#include "mma_on_cpu.hpp"
#endif

namespace fastgrad::cuda {

// What float32 factors are rounded to.
struct Tf32 {
    static constexpr int per_word = 1;
};
struct Bf16 {
    static constexpr int per_word = 2;
};

using Word = std::uint32_t;

#ifdef __CUDACC__
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
#error "fastgrad's kernels need compute capability 8.0 or later"
#endif

// To nearest: TF32 halves away from zero, bfloat16 to even.
__device__ __forceinline__ Word word_of(Tf32, const float* x) {
    Word w;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(w) : "f"(x[0]));
    return w;
}
__device__ __forceinline__ Word word_of(Bf16, const float* x) { // the first in the lower half
    Word w;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(w) : "f"(x[1]), "f"(x[0]));
    return w;
}

// Four matrices of 8 rows and one chunk: lane l gives the chunk of row l % 8 of matrix l / 8, and gets word l % 4 of
// row l / 4 of each matrix.
__device__ __forceinline__ void load_matrices(Word (&to)[4], const void* chunk) {
    const unsigned at = unsigned(__cvta_generic_to_shared(chunk));
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(at)
                 : "memory");
}

// sum (16, 8) += a (16, k) b (8, k)ᵀ, k of two chunks. a: rows 0-7 and 8-15 of the first chunk, then of the second; b:
// the first chunk, the second. Lane l has of row l / 4, and of row l / 4 + 8, columns l % 4 * 2 and the next.
__device__ __forceinline__ void multiply_add(Tf32, float (&sum)[4], const Word (&a)[4], const Word* b) {
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
__device__ __forceinline__ void multiply_add(Bf16, float (&sum)[4], const Word (&a)[4], const Word* b) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

#else

inline Word word_of(Tf32, const float* x) { return cuda_on_cpu::tf32_of(x[0]); }
inline Word word_of(Bf16, const float* x) { return cuda_on_cpu::bf16_of(x[0]) | cuda_on_cpu::bf16_of(x[1]) << 16; }
inline void load_matrices(Word (&to)[4], const void* chunk) { cuda_on_cpu::load_matrices(to, chunk); }
inline void multiply_add(Tf32, float (&sum)[4], const Word (&a)[4], const Word* b) {
    cuda_on_cpu::multiply_add<1>(sum, a, b, [](Word w, int) { return cuda_on_cpu::float_of(w); });
}
inline void multiply_add(Bf16, float (&sum)[4], const Word (&a)[4], const Word* b) {
    cuda_on_cpu::multiply_add<2>(sum, a, b,
                                 [](Word w, int i) { return cuda_on_cpu::float_of(i ? w & 0xffff0000u : w << 16); });
}

#endif

} // namespace fastgrad::cuda
