// Vec<T>: as many lanes of T as one register of the instruction set this file is compiled for.
//
// Every set lives in a namespace of its own (FASTGRAD_SET), so that no function compiled for a newer
// set can stand in for an older one at link time. Arithmetic is GCC/Clang vector extensions; only
// loads with a mask, broadcasts from memory, fma and sqrt need intrinsics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#define FG_INLINE inline __attribute__((always_inline))
#define FG_FORMULA                                    // before a formula that every device computes with
#define FG_CONSTANTS constexpr                        // before a function that gives constants
#define FG_INLINE_CALL __attribute__((always_inline)) // behind a lambda's parameters

namespace fastgrad::FASTGRAD_SET {

#if defined(__FMA__) || defined(__aarch64__)
constexpr bool fma_rounds_once = true;
#else
constexpr bool fma_rounds_once = false; // of a product, what rounding loses cannot be had in the same width
#endif

#if defined(__AVX512F__)
constexpr int vector_bytes = 64, vector_registers = 32;
constexpr bool cheap_partial_loads = true, free_partial_loads = true, narrow_registers = true;
#elif defined(__AVX2__)
constexpr int vector_bytes = 32, vector_registers = 16;
constexpr bool cheap_partial_loads = true, free_partial_loads = false, narrow_registers = false;
#elif defined(__ARM_NEON)
constexpr int vector_bytes = 16, vector_registers = 32;
constexpr bool cheap_partial_loads = false, free_partial_loads = false, narrow_registers = false;
#else
constexpr int vector_bytes = 16, vector_registers = 16;
constexpr bool cheap_partial_loads = false, free_partial_loads = false, narrow_registers = false;
#endif

template <class T> struct Native;
template <> struct Native<float> {
    typedef float type __attribute__((vector_size(vector_bytes)));
    typedef float loose __attribute__((vector_size(vector_bytes), aligned(4), may_alias));
    typedef std::int32_t bits __attribute__((vector_size(vector_bytes)));
    typedef float half __attribute__((vector_size(vector_bytes / 2)));
    using integer = std::int32_t;
};
template <> struct Native<double> {
    typedef double type __attribute__((vector_size(vector_bytes)));
    typedef double loose __attribute__((vector_size(vector_bytes), aligned(8), may_alias));
    typedef std::int64_t bits __attribute__((vector_size(vector_bytes)));
    using integer = std::int64_t;
};

template <class T> struct Mask {
    typename Native<T>::bits m;
    friend FG_INLINE Mask operator|(Mask a, Mask b) { return {a.m | b.m}; }
    friend FG_INLINE Mask operator&(Mask a, Mask b) { return {a.m & b.m}; }
};

template <class T> struct Bits {
    typename Native<T>::bits v;
    friend FG_INLINE Bits operator+(Bits a, Bits b) { return {a.v + b.v}; }
    friend FG_INLINE Bits operator-(Bits a, Bits b) { return {a.v - b.v}; }
    friend FG_INLINE Bits operator&(Bits a, Bits b) { return {a.v & b.v}; }
    friend FG_INLINE Bits operator|(Bits a, Bits b) { return {a.v | b.v}; }
    FG_INLINE Bits shifted_left(int n) const { return {v << n}; }
    FG_INLINE Bits shifted_right(int n) const { return {v >> n}; } // keeps the sign
    static FG_INLINE Bits all(typename Native<T>::integer s) { return {s - typename Native<T>::bits{}}; }
};

template <class T> struct Vec {
    using Scalar = T;
    using Register = typename Native<T>::type;
    static constexpr int lanes = vector_bytes / int(sizeof(T));

    Register v;

    Vec() = default;
    FG_INLINE Vec(Register r) : v(r) {}
    FG_INLINE Vec(double s) : v(T(s) - Register{}) {}

    static FG_INLINE Vec load(const T* p) {
        return Vec(Register(*reinterpret_cast<const typename Native<T>::loose*>(p)));
    }
    FG_INLINE void store(T* p) const { *reinterpret_cast<typename Native<T>::loose*>(p) = v; }

    // The broadcast of one number in memory, as a load: it does not compete with fma for a port.
    static FG_INLINE Vec broadcast(const T* p);
    // The first n lanes (0 < n <= lanes) from or to memory; nothing beyond them is touched.
    static FG_INLINE Vec load_partial(const T* p, std::ptrdiff_t n);
    FG_INLINE void store_partial(T* p, std::ptrdiff_t n) const;

    friend FG_INLINE Vec operator+(Vec a, Vec b) { return a.v + b.v; }
    friend FG_INLINE Vec operator-(Vec a, Vec b) { return a.v - b.v; }
    friend FG_INLINE Vec operator*(Vec a, Vec b) { return a.v * b.v; }
    friend FG_INLINE Vec operator/(Vec a, Vec b) { return a.v / b.v; }
    friend FG_INLINE Vec operator-(Vec a) { return -a.v; }
    friend FG_INLINE Mask<T> operator<(Vec a, Vec b) { return {a.v < b.v}; }
    friend FG_INLINE Mask<T> operator<=(Vec a, Vec b) { return {a.v <= b.v}; }
    friend FG_INLINE Mask<T> operator>(Vec a, Vec b) { return {a.v > b.v}; }
    friend FG_INLINE Mask<T> operator>=(Vec a, Vec b) { return {a.v >= b.v}; }
    friend FG_INLINE Mask<T> operator==(Vec a, Vec b) { return {a.v == b.v}; }

    FG_INLINE Bits<T> bits() const { return {(typename Native<T>::bits)v}; }
    static FG_INLINE Vec from_bits(Bits<T> b) { return Vec((Register)b.v); }
};

template <class T> FG_INLINE Vec<T> select(Mask<T> m, Vec<T> yes, Vec<T> no) { return Vec<T>(m.m ? yes.v : no.v); }
// select with a number on either side
template <class T> FG_INLINE Vec<T> select(Mask<T> m, double yes, Vec<T> no) { return select(m, Vec<T>(yes), no); }
template <class T> FG_INLINE Vec<T> select(Mask<T> m, Vec<T> yes, double no) { return select(m, yes, Vec<T>(no)); }
template <class T> FG_INLINE Vec<T> select(Mask<T> m, double yes, double no) {
    return select(m, Vec<T>(yes), Vec<T>(no));
}

template <class T> FG_INLINE Bits<T> sign_bit() {
    return Bits<T>::all(typename Native<T>::integer(1) << (8 * sizeof(T) - 1));
}
template <class T> FG_INLINE Vec<T> abs(Vec<T> x) { return Vec<T>::from_bits({x.bits().v & ~sign_bit<T>().v}); }
template <class T> FG_INLINE Vec<T> copysign(Vec<T> size, Vec<T> sign) {
    return Vec<T>::from_bits((abs(size).bits()) | (sign.bits() & sign_bit<T>()));
}

// a if a < b, else b: also where one is NaN. One instruction, which compilers do not make of a select.
template <class T> FG_INLINE Vec<T> lesser(Vec<T> a, Vec<T> b) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) return _mm512_min_ps(a.v, b.v);
    else return _mm512_min_pd(a.v, b.v);
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 4) return _mm256_min_ps(a.v, b.v);
    else return _mm256_min_pd(a.v, b.v);
#elif defined(__x86_64__)
    if constexpr (sizeof(T) == 4) return _mm_min_ps(a.v, b.v);
    else return _mm_min_pd(a.v, b.v);
#else
    return select(a < b, a, b);
#endif
}
// a if a > b, else b
template <class T> FG_INLINE Vec<T> greater(Vec<T> a, Vec<T> b) {
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4) return _mm512_max_ps(a.v, b.v);
    else return _mm512_max_pd(a.v, b.v);
#elif defined(__AVX2__)
    if constexpr (sizeof(T) == 4) return _mm256_max_ps(a.v, b.v);
    else return _mm256_max_pd(a.v, b.v);
#elif defined(__x86_64__)
    if constexpr (sizeof(T) == 4) return _mm_max_ps(a.v, b.v);
    else return _mm_max_pd(a.v, b.v);
#else
    return select(a > b, a, b);
#endif
}

// a b + c, in one rounding where the set has it, in two where it has not.
#if defined(__AVX512F__)
FG_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return _mm512_fmadd_ps(a.v, b.v, c.v); }
FG_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return _mm512_fmadd_pd(a.v, b.v, c.v); }
FG_INLINE Vec<float> sqrt(Vec<float> a) { return _mm512_sqrt_ps(a.v); }
FG_INLINE Vec<double> sqrt(Vec<double> a) { return _mm512_sqrt_pd(a.v); }
template <> FG_INLINE Vec<float> Vec<float>::broadcast(const float* p) { return _mm512_set1_ps(*p); }
template <> FG_INLINE Vec<double> Vec<double>::broadcast(const double* p) { return _mm512_set1_pd(*p); }
template <> FG_INLINE Vec<float> Vec<float>::load_partial(const float* p, std::ptrdiff_t n) {
    return _mm512_maskz_loadu_ps(__mmask16((1u << n) - 1), p);
}
template <> FG_INLINE Vec<double> Vec<double>::load_partial(const double* p, std::ptrdiff_t n) {
    return _mm512_maskz_loadu_pd(__mmask8((1u << n) - 1), p);
}
template <> FG_INLINE void Vec<float>::store_partial(float* p, std::ptrdiff_t n) const {
    _mm512_mask_storeu_ps(p, __mmask16((1u << n) - 1), v);
}
template <> FG_INLINE void Vec<double>::store_partial(double* p, std::ptrdiff_t n) const {
    _mm512_mask_storeu_pd(p, __mmask8((1u << n) - 1), v);
}
#elif defined(__AVX2__)
FG_INLINE __m256i first_lanes32(std::ptrdiff_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(int(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
FG_INLINE __m256i first_lanes64(std::ptrdiff_t n) {
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
}
FG_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return _mm256_fmadd_ps(a.v, b.v, c.v); }
FG_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return _mm256_fmadd_pd(a.v, b.v, c.v); }
FG_INLINE Vec<float> sqrt(Vec<float> a) { return _mm256_sqrt_ps(a.v); }
FG_INLINE Vec<double> sqrt(Vec<double> a) { return _mm256_sqrt_pd(a.v); }
template <> FG_INLINE Vec<float> Vec<float>::broadcast(const float* p) { return _mm256_broadcast_ss(p); }
template <> FG_INLINE Vec<double> Vec<double>::broadcast(const double* p) { return _mm256_broadcast_sd(p); }
template <> FG_INLINE Vec<float> Vec<float>::load_partial(const float* p, std::ptrdiff_t n) {
    return _mm256_maskload_ps(p, first_lanes32(n));
}
template <> FG_INLINE Vec<double> Vec<double>::load_partial(const double* p, std::ptrdiff_t n) {
    return _mm256_maskload_pd(p, first_lanes64(n));
}
template <> FG_INLINE void Vec<float>::store_partial(float* p, std::ptrdiff_t n) const {
    _mm256_maskstore_ps(p, first_lanes32(n), v);
}
template <> FG_INLINE void Vec<double>::store_partial(double* p, std::ptrdiff_t n) const {
    _mm256_maskstore_pd(p, first_lanes64(n), v);
}
#else
#if defined(__ARM_NEON)
FG_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return Vec<float>(vfmaq_f32(c.v, a.v, b.v)); }
FG_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return Vec<double>(vfmaq_f64(c.v, a.v, b.v)); }
#else
FG_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return a * b + c; }
FG_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return a * b + c; }
#endif
template <class T> FG_INLINE Vec<T> sqrt(Vec<T> a) {
    Vec<T> root = a;
    for (int i = 0; i < Vec<T>::lanes; ++i)
        root.v[i] = sizeof(T) == 4 ? T(__builtin_sqrtf(a.v[i])) : T(__builtin_sqrt(a.v[i]));
    return root;
}
template <class T> FG_INLINE Vec<T> Vec<T>::broadcast(const T* p) { return Vec(*p - Register{}); }
template <class T> FG_INLINE Vec<T> Vec<T>::load_partial(const T* p, std::ptrdiff_t n) {
    Register r{};
    std::memcpy(&r, p, std::size_t(n) * sizeof(T));
    return Vec(r);
}
template <class T> FG_INLINE void Vec<T>::store_partial(T* p, std::ptrdiff_t n) const {
    std::memcpy(p, &v, std::size_t(n) * sizeof(T));
}
#endif

FG_INLINE double power(double x, double y) { return __builtin_pow(x, y); }
FG_INLINE double square_root(double x) { return __builtin_sqrt(x); }

// float lanes as two registers of double lanes, and back with one rounding
struct Wide {
    Vec<double> low, high;
};
FG_INLINE Wide widen(Vec<float> x) {
    Native<float>::half low, high;
    std::memcpy(&low, &x.v, sizeof low);
    std::memcpy(&high, reinterpret_cast<const char*>(&x.v) + sizeof low, sizeof high);
    return {Vec<double>(__builtin_convertvector(low, Native<double>::type)),
            Vec<double>(__builtin_convertvector(high, Native<double>::type))};
}
FG_INLINE Vec<float> narrow(Wide w) {
    Native<float>::half low = __builtin_convertvector(w.low.v, Native<float>::half);
    Native<float>::half high = __builtin_convertvector(w.high.v, Native<float>::half);
    Vec<float> x;
    std::memcpy(&x.v, &low, sizeof low);
    std::memcpy(reinterpret_cast<char*>(&x.v) + sizeof low, &high, sizeof high);
    return x;
}
// formula(x), computed in double
template <class Formula> FG_INLINE Vec<float> in_double(Vec<float> x, Formula formula) {
    const Wide w = widen(x);
    return narrow({formula(w.low), formula(w.high)});
}

// Lane i gets what lane i + distance had.
template <int distance, class T, int... i> FG_INLINE Vec<T> rotated(Vec<T> x, std::integer_sequence<int, i...>) {
    return Vec<T>(__builtin_shufflevector(x.v, x.v, ((i + distance) % Vec<T>::lanes)...));
}
// Both halves joined, lane by lane, then both halves of the first half, ... down to the first lane.
template <int width, class T, class Join> FG_INLINE T folded(Vec<T> x, Join join) {
    if constexpr (width == 0) return x.v[0];
    else return folded<width / 2>(join(x, rotated<width>(x, std::make_integer_sequence<int, Vec<T>::lanes>())), join);
}
// Sum and maximum of all lanes, in one fixed order: halves are folded onto each other.
template <class T> FG_INLINE T sum(Vec<T> x) {
    return folded<Vec<T>::lanes / 2>(x, [](Vec<T> a, Vec<T> b) FG_INLINE_CALL { return a + b; });
}
template <class T> FG_INLINE T largest(Vec<T> x) { // NaN lanes are passed over
    return folded<Vec<T>::lanes / 2>(x, [](Vec<T> a, Vec<T> b)
                                            FG_INLINE_CALL { return select(b > a, b, select(a == a, a, b)); });
}

template <class T> FG_INLINE Mask<T> first_lanes(std::ptrdiff_t n) {
    typename Native<T>::bits index;
    for (int i = 0; i < Vec<T>::lanes; ++i) index[i] = i;
    return {index < Bits<T>::all(typename Native<T>::integer(n)).v};
}

// How a loop over n elements reaches memory: whole registers, or the last, partly filled one.
template <class T> struct Whole {
    FG_INLINE Vec<T> load(const T* p) const { return Vec<T>::load(p); }
    FG_INLINE Vec<T> load(const T* p, double) const { return Vec<T>::load(p); }
    FG_INLINE Vec<T> keep(Vec<T> x) const { return x; }
    FG_INLINE void store(T* p, Vec<T> x) const { x.store(p); }
};
template <class T> struct Partial {
    std::ptrdiff_t n;
    FG_INLINE Vec<T> load(const T* p) const { return Vec<T>::load_partial(p, n); }
    FG_INLINE Vec<T> load(const T* p, double fill) const { return select(first_lanes<T>(n), load(p), fill); }
    FG_INLINE Vec<T> keep(Vec<T> x) const { return select(first_lanes<T>(n), x, 0.0); } // other lanes become 0
    FG_INLINE void store(T* p, Vec<T> x) const { x.store_partial(p, n); }
};

// totals[i] += lane i of x, for the first n lanes (all if n is more)
template <class T> FG_INLINE void add_lanes(double* totals, Vec<T> x, std::ptrdiff_t n) {
    T lane[Vec<T>::lanes];
    x.store(lane);
    if (n >= Vec<T>::lanes)
        for (int i = 0; i < Vec<T>::lanes; ++i) totals[i] += double(lane[i]);
    else
        for (int i = 0; i < n; ++i) totals[i] += double(lane[i]);
}

// Calls body(offset, io) over n elements; body reads and writes with io.load and io.store.
template <class T, class Body> FG_INLINE void for_each_vector(std::ptrdiff_t n, Body body) {
    constexpr int lanes = Vec<T>::lanes;
    std::ptrdiff_t i = 0;
    for (; i + lanes <= n; i += lanes) body(i, Whole<T>{});
    if (i < n) body(i, Partial<T>{n - i});
}

} // namespace fastgrad::FASTGRAD_SET
