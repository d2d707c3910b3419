// Half a register, for the last columns of a product: some processors do two operations on halves in the time of one.
#pragma once

#include "simd.hpp"

namespace fastgrad::FASTGRAD_SET {

template <class T> struct Narrow;
#if defined(__AVX512F__)
template <> struct Narrow<float> {
    using Scalar = float;
    static constexpr int lanes = 8;
    __m256 v;

    Narrow() = default;
    FG_INLINE Narrow(__m256 r) : v(r) {}
    FG_INLINE Narrow(double s) : v(_mm256_set1_ps(float(s))) {}
    static FG_INLINE Narrow load(const float* p) { return _mm256_loadu_ps(p); }
    static FG_INLINE Narrow broadcast(const float* p) { return _mm256_broadcast_ss(p); }
    static FG_INLINE Narrow load_partial(const float* p, std::ptrdiff_t n) {
        return _mm256_maskz_loadu_ps(__mmask8((1u << n) - 1), p);
    }
    FG_INLINE void store(float* p) const { _mm256_storeu_ps(p, v); }
    FG_INLINE void store_partial(float* p, std::ptrdiff_t n) const {
        _mm256_mask_storeu_ps(p, __mmask8((1u << n) - 1), v);
    }
    friend FG_INLINE Narrow operator+(Narrow a, Narrow b) { return _mm256_add_ps(a.v, b.v); }
    friend FG_INLINE Narrow fma(Narrow a, Narrow b, Narrow c) { return _mm256_fmadd_ps(a.v, b.v, c.v); }
};
template <> struct Narrow<double> {
    using Scalar = double;
    static constexpr int lanes = 4;
    __m256d v;

    Narrow() = default;
    FG_INLINE Narrow(__m256d r) : v(r) {}
    FG_INLINE Narrow(double s) : v(_mm256_set1_pd(s)) {}
    static FG_INLINE Narrow load(const double* p) { return _mm256_loadu_pd(p); }
    static FG_INLINE Narrow broadcast(const double* p) { return _mm256_broadcast_sd(p); }
    static FG_INLINE Narrow load_partial(const double* p, std::ptrdiff_t n) {
        return _mm256_maskz_loadu_pd(__mmask8((1u << n) - 1), p);
    }
    FG_INLINE void store(double* p) const { _mm256_storeu_pd(p, v); }
    FG_INLINE void store_partial(double* p, std::ptrdiff_t n) const {
        _mm256_mask_storeu_pd(p, __mmask8((1u << n) - 1), v);
    }
    friend FG_INLINE Narrow operator+(Narrow a, Narrow b) { return _mm256_add_pd(a.v, b.v); }
    friend FG_INLINE Narrow fma(Narrow a, Narrow b, Narrow c) { return _mm256_fmadd_pd(a.v, b.v, c.v); }
};
#endif

} // namespace fastgrad::FASTGRAD_SET
