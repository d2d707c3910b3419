// exp, expm1, log, log1p, tanh and the normal distribution over Vec<float> and Vec<double>.
//
// Errors stay below 4 ULP (docs/accuracy.md has the measurements); NaN gives NaN, subnormal results
// are exact to rounding. Coefficients come from tools/polynomials.py. The reductions are the classical
// ones: x = n ln 2 + r for exp (Cody and Waite), x = 2^k (1 + f), s = f / (2 + f) for the logarithm.
#pragma once

#include "simd.hpp"

namespace fastgrad::FASTGRAD_SET {

template <class T> struct Constants;

template <> struct Constants<float> {
    static constexpr float exp_tail[] = {0.5000000014f,   0.1666666668f,   0.04166645681f,
                                         0.008333310024f, 0.001393454193f, 0.0001989198131f};
    static constexpr float log_tail[] = {0.6666666655f, 0.4000012519f, 0.2855044271f, 0.2334071013f};
    static constexpr float ln2_high = 0x1.62e4p-1f, ln2_low = 0x1.7f7d1cp-20f; // high: 15 bits, so n * high is exact
    static constexpr float round_shift = 0x1.8p23f;                            // adding it rounds to an integer
    static constexpr float exp_max = 89.f, exp_min = -112.f, expm1_min = -30.f;
    static constexpr float log_huge = 0x1p30f; // 1 + x == x from here on
    static constexpr float smallest_normal = 0x1p-126f, subnormal_scale = 0x1p32f;
    static constexpr int subnormal_shift = 32, mantissa_bits = 23, exponent_bias = 127;
    static constexpr std::int32_t sqrt_half = 0x3f3504f3, one = 0x3f800000;
};

template <> struct Constants<double> {
    static constexpr double exp_tail[] = {0.5,
                                          0.166666666666666714,
                                          0.0416666666666666701,
                                          0.0083333333333255447,
                                          0.00138888888888833267,
                                          0.000198412698768643549,
                                          0.0000248015873270071867,
                                          2.75572528335169097e-6,
                                          2.75572718102197996e-7,
                                          2.51062747335732947e-8,
                                          2.09154422977801152e-9};
    static constexpr double log_tail[] = {0.666666666666666664, 0.400000000000009342, 0.285714285707687535,
                                          0.222222223995812857, 0.181817948032040957, 0.153862850221594051,
                                          0.132675648431977401, 0.130992062770425764};
    static constexpr double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
    static constexpr double round_shift = 0x1.8p52;
    static constexpr double exp_max = 710.0, exp_min = -760.0, expm1_min = -60.0;
    static constexpr double log_huge = 0x1p60;
    static constexpr double smallest_normal = 0x1p-1022, subnormal_scale = 0x1p64;
    static constexpr int subnormal_shift = 64, mantissa_bits = 52, exponent_bias = 1023;
    static constexpr std::int64_t sqrt_half = 0x3fe6a09e667f3bcd, one = 0x3ff0000000000000;
};

// g in erfc(a) = exp(-a^2) g(t) / (1 + 2a), with t = (a - 2) / (a + 2) and 0 <= a <= 28
constexpr double erfc_scaled[] = {
    1.27697838155252879,     -0.0927638265857464378,    -0.166030397615315587,     0.164051280033490966,
    -0.054220000990455793,   -0.00803401508398000125,   0.00872265383803202416,    0.00127133898716886226,
    -0.00145681347874740186, -0.000454340971278843643,  0.000206363740589722641,   0.000151039554165295892,
    -1.49334409843723651e-6, -0.0000364226672570564145, -0.0000135451700760526055, 3.70210046847901606e-6,
    5.33581485552715532e-6,  1.53434229261721367e-6,    -8.56085143634132868e-7,   -8.93844062890295847e-7,
    -1.13763533386256364e-7, 2.06503387005505008e-7,    8.02806621414234178e-8,    -1.88144295842172656e-8,
    -1.1225079560079543e-8};

// g in Phi(-a) = exp(-a^2 / 2) g(t) / (a + 2), with t = (a - 2) / (a + 2) and 0 <= a <= 15
constexpr float normal_scaled[] = {0.6724080048f,     -0.3314044756f,   0.02879737519f,   0.03671941451f,
                                   -0.0004697699064f, -0.006734616133f, -0.001951611568f, 0.0008237860805f,
                                   0.0008369169431f,  0.0001330260199f, -0.000149598063f, -6.581982622e-5f};

// Horner's rule, which rounds least
template <class T, int N> FG_INLINE Vec<T> horner(Vec<T> x, const T (&c)[N]) {
    Vec<T> y = c[N - 1];
    for (int i = N - 2; i >= 0; --i) y = fma(y, x, Vec<T>(c[i]));
    return y;
}
// Long polynomials as two chains, of the even and the odd powers, which run side by side.
template <class T, int N> FG_INLINE Vec<T> polynomial(Vec<T> x, const T (&c)[N]) {
    if constexpr (N < 8) {
        return horner(x, c);
    } else {
        const Vec<T> square = x * x;
        Vec<T> high = c[N - 1], low = c[N - 2];
        for (int i = N - 3; i >= 0; i -= 2) {
            high = fma(high, square, Vec<T>(c[i]));
            if (i > 0) low = fma(low, square, Vec<T>(c[i - 1]));
        }
        return N % 2 ? fma(low, x, high) : fma(high, x, low);
    }
}

template <class T> FG_INLINE Vec<T> minimum(Vec<T> x, double limit) { return select(x > Vec<T>(limit), limit, x); }
template <class T> FG_INLINE Vec<T> maximum(Vec<T> x, double limit) { return select(x < Vec<T>(limit), limit, x); }

// 2^n for integers n in the exponent's range
template <class T> FG_INLINE Vec<T> power_of_two(Bits<T> n) {
    using C = Constants<T>;
    return Vec<T>::from_bits((n + Bits<T>::all(C::exponent_bias)).shifted_left(C::mantissa_bits));
}

// x = n ln 2 + r with |r| <= ln(2) / 2; tail is expm1(r)
template <class T> struct ExpParts {
    Bits<T> n;
    Vec<T> tail;
};
template <class T> FG_INLINE ExpParts<T> exp_parts(Vec<T> x, Vec<T> rest = 0.0) { // of x + rest
    using C = Constants<T>;
    const Vec<T> shift = C::round_shift;
    const Vec<T> shifted = fma(x, Vec<T>(1.44269504088896340736), shift);
    const Vec<T> n = shifted - shift;
    const Vec<T> r = fma(n, Vec<T>(-C::ln2_high), x) + fma(n, Vec<T>(-C::ln2_low), rest);
    return {shifted.bits() - shift.bits(), fma(r * r, polynomial(r, C::exp_tail), r)};
}

// factor * exp(x + rest), rounded once more only: no digits are lost where exp(x) alone would be subnormal
template <class T> FG_INLINE Vec<T> scaled_exp(Vec<T> factor, Vec<T> x, Vec<T> rest = 0.0) {
    using C = Constants<T>;
    const ExpParts<T> p = exp_parts(maximum(minimum(x, C::exp_max), C::exp_min), rest);
    // two powers: 2^n itself may lie outside the exponent's range
    const Bits<T> half = p.n.shifted_right(1);
    return fma(factor, p.tail, factor) * power_of_two<T>(half) * power_of_two<T>(p.n - half);
}
template <class T> FG_INLINE Vec<T> exp(Vec<T> x) { return scaled_exp(Vec<T>(1.0), x); }

template <class T> FG_INLINE Vec<T> expm1(Vec<T> x) {
    using C = Constants<T>;
    const ExpParts<T> p = exp_parts(maximum(minimum(x, C::exp_max), C::expm1_min));
    const Vec<T> half_power = power_of_two<T>(p.n - Bits<T>::all(1)); // 2^n could overflow
    const Vec<T> y = fma(half_power, p.tail, half_power - Vec<T>(0.5));
    return y + y;
}

template <class T> FG_INLINE Vec<T> tanh(Vec<T> x) {
    const Vec<T> t = expm1(abs(x) * Vec<T>(-2.0));
    return copysign(t / (t + Vec<T>(2.0)), x);
}

// log(2^k (1 + f)) for f in [sqrt(1/2) - 1, sqrt(2) - 1]
template <class T> FG_INLINE Vec<T> log_of_parts(Vec<T> k, Vec<T> f) {
    using C = Constants<T>;
    const Vec<T> s = f / (f + Vec<T>(2.0));
    const Vec<T> z = s * s;
    const Vec<T> half_square = f * f * Vec<T>(0.5);
    const Vec<T> tail = fma(k, Vec<T>(C::ln2_low), s * fma(z, polynomial(z, C::log_tail), half_square));
    return fma(k, Vec<T>(C::ln2_high), f - (half_square - tail));
}

// Splits a positive normal u = 2^k m with m in [sqrt(1/2), sqrt(2)).
template <class T> struct LogParts {
    Bits<T> k;
    Vec<T> m;
};
template <class T> FG_INLINE LogParts<T> log_parts(Vec<T> u) {
    using C = Constants<T>;
    const Bits<T> k = (u.bits() - Bits<T>::all(C::sqrt_half)).shifted_right(C::mantissa_bits);
    return {k, Vec<T>::from_bits(u.bits() - k.shifted_left(C::mantissa_bits))};
}
template <class T> FG_INLINE Vec<T> to_float(Bits<T> k) { // |k| far below 2^20
    const Vec<T> shift = Constants<T>::round_shift;
    return Vec<T>::from_bits(shift.bits() + k) - shift;
}
// What the formulas above cannot give: log of 0, of negative numbers, of infinity and NaN.
template <class T> FG_INLINE Vec<T> log_special(Vec<T> u, Vec<T> log_u) {
    const double inf = __builtin_inf();
    log_u = select(u == Vec<T>(0.0), -inf, log_u);
    log_u = select(u < Vec<T>(inf), log_u, u); // inf and NaN stay
    return select(u < Vec<T>(0.0), __builtin_nan(""), log_u);
}

template <class T> FG_INLINE Vec<T> log(Vec<T> x) {
    using C = Constants<T>;
    const Mask<T> tiny = x < Vec<T>(C::smallest_normal);
    const LogParts<T> p = log_parts(select(tiny, x * Vec<T>(C::subnormal_scale), x));
    const Vec<T> k = to_float<T>(p.k) - select<T>(tiny, double(C::subnormal_shift), 0.0);
    return log_special(x, log_of_parts(k, p.m - Vec<T>(1.0)));
}

template <class T> FG_INLINE Vec<T> log1p(Vec<T> x) {
    using C = Constants<T>;
    const Vec<T> one = 1.0;
    const Vec<T> u = one + x;
    const Vec<T> x_in_u = u - one;
    const Vec<T> lost = (one - (u - x_in_u)) + (x - x_in_u); // 1 + x = u + lost, exactly
    const LogParts<T> p = log_parts(u);
    const Vec<T> scale = power_of_two<T>(Bits<T>{} - p.k);
    const Vec<T> f = (p.m - one) + select(u < Vec<T>(C::log_huge), lost * scale, 0.0);
    return log_special(u, log_of_parts(to_float<T>(p.k), f));
}

// The logistic function 1 / (1 + exp(-x)), with full relative accuracy on both sides.
template <class T> FG_INLINE Vec<T> logistic(Vec<T> x) {
    const Vec<T> e = exp(-abs(x));
    return select(x < Vec<T>(0.0), e, 1.0) / (e + Vec<T>(1.0));
}

// s = logistic(x) and 1 - s, for the price of one.
template <class V> struct LogisticPair {
    V s, rest;
};
template <class T> FG_INLINE LogisticPair<Vec<T>> logistic_pair(Vec<T> x) {
    const Vec<T> e = exp(-abs(x)), large = Vec<T>(1.0) / (e + Vec<T>(1.0)), small = e * large;
    const Mask<T> negative = x < Vec<T>(0.0);
    return {select(negative, small, large), select(negative, large, small)};
}

// Phi(x) = erfc(-x / sqrt 2) / 2, for doubles; `density` is exp(-x^2 / 2) / sqrt(2 pi).
struct Normal {
    Vec<double> cumulative, density;
};
FG_INLINE Normal normal(Vec<double> x) {
    using V = Vec<double>;
    const V size = minimum(abs(x), 38.6);
    const V a = size * V(0.70710678118654752440), one_plus = a + a + V(1.0), two_plus = a + V(2.0);
    const V both = V(1.0) / (one_plus * two_plus);
    const V g = polynomial((a - V(2.0)) * one_plus * both, erfc_scaled);
    const V square = size * size; // its rounding error would be magnified by exp
    const V e = exp(square * V(-0.5)), bell = fma(e * V(-0.5), fma(size, size, -square), e);
    const V tail = bell * g * two_plus * both * V(0.5);
    return {select(x < V(0.0), tail, V(1.0) - tail), bell * V(0.39894228040143267794)};
}

// x Phi(x)
FG_INLINE Vec<double> times_normal(Vec<double> x) { return maximum(x, -1e3) * normal(x).cumulative; }
// In float, from Phi(-a) = exp(-a^2 / 2) g(t) / (a + 2); the power of two comes last, as Phi(x) alone can be subnormal.
FG_INLINE Vec<float> times_normal(Vec<float> x) {
    using V = Vec<float>;
    const V size = minimum(abs(x), 15.0), square = size * size, lost = fma(size, size, -square);
    // q = size / (size + 2) but for one rounding: the sum's and the division's errors are taken out
    const V sum = size + V(2.0), sum_lost = minimum(size, 2.0) - (sum - maximum(size, 2.0)), r = V(1.0) / sum;
    const V guess = size * r, q = fma(fma(-guess, sum_lost, fma(-guess, sum, size)), r, guess);
    const V factor = copysign(q, x) * horner(fma(q, V(2.0), V(-1.0)), normal_scaled);
    const V tail = scaled_exp(factor, square * V(-0.5), lost * V(-0.5));
    return select(x < V(0.0), tail, x - tail);
}

} // namespace fastgrad::FASTGRAD_SET
