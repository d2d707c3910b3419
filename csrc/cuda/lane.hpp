// Vec<T> on a GPU: one number. With it the formulas of csrc/fastgrad are those of one thread, and have the bits that
// the processor's vectors have, as long as the compiler joins no product and sum to an fma by itself (-fmad=false).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <cuda_runtime.h>

#define FASTGRAD_SET cuda
#define FG_INLINE __device__ __forceinline__
#define FG_FORMULA __device__ __forceinline__
#define FG_CONSTANTS __host__ __device__ constexpr
#define FG_INLINE_CALL // functions within a device function need no mark

namespace fastgrad::cuda {

constexpr bool fma_rounds_once = true;

template <class T> struct Integer;
template <> struct Integer<float> {
    using type = std::int32_t;
};
template <> struct Integer<double> {
    using type = std::int64_t;
};

template <class T> struct Mask {
    bool m;
    friend FG_INLINE Mask operator|(Mask a, Mask b) { return {a.m || b.m}; }
    friend FG_INLINE Mask operator&(Mask a, Mask b) { return {a.m && b.m}; }
};

template <class T> struct Bits {
    using I = typename Integer<T>::type;
    I v;
    friend FG_INLINE Bits operator+(Bits a, Bits b) { return {a.v + b.v}; }
    friend FG_INLINE Bits operator-(Bits a, Bits b) { return {a.v - b.v}; }
    friend FG_INLINE Bits operator&(Bits a, Bits b) { return {a.v & b.v}; }
    friend FG_INLINE Bits operator|(Bits a, Bits b) { return {a.v | b.v}; }
    FG_INLINE Bits shifted_left(int n) const { return {I(std::make_unsigned_t<I>(v) << n)}; }
    FG_INLINE Bits shifted_right(int n) const { return {v >> n}; } // keeps the sign
    static FG_INLINE Bits all(I s) { return {s}; }
};

template <class T> struct Vec {
    using Scalar = T;
    static constexpr int lanes = 1;

    T v;

    Vec() = default;
    template <class Number> FG_INLINE Vec(Number s) : v(T(s)) {}

    static FG_INLINE Vec load(const T* p) { return *p; }
    FG_INLINE void store(T* p) const { *p = v; }

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

    FG_INLINE Bits<T> bits() const {
        Bits<T> b;
        memcpy(&b.v, &v, sizeof v);
        return b;
    }
    static FG_INLINE Vec from_bits(Bits<T> b) {
        Vec x;
        memcpy(&x.v, &b.v, sizeof b.v);
        return x;
    }
};

template <class T> FG_INLINE Vec<T> select(Mask<T> m, Vec<T> yes, Vec<T> no) { return m.m ? yes.v : no.v; }
template <class T> FG_INLINE Vec<T> select(Mask<T> m, double yes, Vec<T> no) { return select(m, Vec<T>(yes), no); }
template <class T> FG_INLINE Vec<T> select(Mask<T> m, Vec<T> yes, double no) { return select(m, yes, Vec<T>(no)); }
template <class T> FG_INLINE Vec<T> select(Mask<T> m, double yes, double no) {
    return select(m, Vec<T>(yes), Vec<T>(no));
}

FG_INLINE Vec<float> abs(Vec<float> x) { return ::fabsf(x.v); }
FG_INLINE Vec<double> abs(Vec<double> x) { return ::fabs(x.v); }
FG_INLINE Vec<float> copysign(Vec<float> size, Vec<float> sign) { return ::copysignf(size.v, sign.v); }
FG_INLINE Vec<double> copysign(Vec<double> size, Vec<double> sign) { return ::copysign(size.v, sign.v); }
FG_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) { return ::fmaf(a.v, b.v, c.v); }
FG_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) { return ::fma(a.v, b.v, c.v); }
FG_INLINE Vec<float> sqrt(Vec<float> x) { return ::sqrtf(x.v); }
FG_INLINE Vec<double> sqrt(Vec<double> x) { return ::sqrt(x.v); }

FG_INLINE double power(double x, double y) { return ::pow(x, y); }
FG_INLINE double square_root(double x) { return ::sqrt(x); }

// a if a < b, else b: also where one is NaN
template <class T> FG_INLINE Vec<T> lesser(Vec<T> a, Vec<T> b) { return select(a < b, a, b); }
template <class T> FG_INLINE Vec<T> greater(Vec<T> a, Vec<T> b) { return select(a > b, a, b); }

// How a formula reaches memory.
struct Whole {
    template <class T> FG_INLINE Vec<T> load(const T* p) const { return *p; }
    template <class T> FG_INLINE void store(T* p, Vec<T> x) const { *p = x.v; }
};

// formula(x), computed in double
template <class Formula> FG_INLINE Vec<float> in_double(Vec<float> x, Formula formula) {
    return formula(Vec<double>(x.v)).v;
}

} // namespace fastgrad::cuda
