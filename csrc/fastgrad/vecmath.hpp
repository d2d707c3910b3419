// exp, expm1, log, log1p, tanh and the logistic function over Vec<float> and Vec<double>, whatever a Vec is: included
// after the header that says so (csrc/cpu/simd.hpp, csrc/cuda/lane.hpp).
//
// Errors stay below 4 ULP (docs/accuracy.md has the measurements); NaN gives NaN, subnormal results
// are exact to rounding. Coefficients come from tools/polynomials.py. The reductions are the classical
// ones: x = n ln 2 + r for exp (Cody and Waite), x = 2^k (1 + f), s = f / (2 + f) for the logarithm.
#pragma once

namespace fastgrad::FASTGRAD_SET {

// Coefficients of a polynomial, of the lowest power first. They come out of functions: code for another device cannot
// refer to an array of this one.
template <class T, int N> struct Coefficients {
    T c[N];
};
template <class T, class... C> FG_CONSTANTS Coefficients<T, sizeof...(C)> coefficients(C... c) { return {{T(c)...}}; }

template <class T> struct Constants;

template <> struct Constants<float> {
    static FG_CONSTANTS auto exp_tail() {
        return coefficients<float>(0.5f, 0.1666657338f, 0.04166655011f, 0.008363773874f, 0.001392692661f);
    }
    static FG_CONSTANTS auto log_tail() {
        return coefficients<float>(0.6666666655f, 0.4000012519f, 0.2855044271f, 0.2334071013f);
    }
    static FG_CONSTANTS auto artanh_tail() {
        return coefficients<float>(0.6666666732f, 0.3999970633f, 0.2859235799f, 0.217065758f, 0.2322432922f);
    }
    static constexpr float ln2_high = 0x1.62e4p-1f, ln2_low = 0x1.7f7d1cp-20f; // high: 15 bits, so n * high is exact
    static constexpr float round_shift = 0x1.8p23f;                            // adding it rounds to an integer
    static constexpr float exp_max = 89.f, exp_min = -112.f, expm1_min = -30.f;
    static constexpr float log_huge = 0x1p30f; // 1 + x == x from here on
    static constexpr float smallest_normal = 0x1p-126f, subnormal_scale = 0x1p32f;
    static constexpr int subnormal_shift = 32, mantissa_bits = 23, exponent_bias = 127;
    static constexpr std::int32_t sqrt_half = 0x3f3504f3, one = 0x3f800000;
};

template <> struct Constants<double> {
    static FG_CONSTANTS auto exp_tail() {
        return coefficients<double>(0.5, 0.166666666666666714, 0.0416666666666666701, 0.0083333333333255447,
                                    0.00138888888888833267, 0.000198412698768643549, 0.0000248015873270071867,
                                    2.75572528335169097e-6, 2.75572718102197996e-7, 2.51062747335732947e-8,
                                    2.09154422977801152e-9);
    }
    static FG_CONSTANTS auto log_tail() {
        return coefficients<double>(0.666666666666666664, 0.400000000000009342, 0.285714285707687535,
                                    0.222222223995812857, 0.181817948032040957, 0.153862850221594051,
                                    0.132675648431977401, 0.130992062770425764);
    }
    static FG_CONSTANTS auto artanh_tail() {
        return coefficients<double>(0.666666666666666669, 0.399999999999995225, 0.285714285716000993,
                                    0.222222221982367706, 0.181818198979627144, 0.153845439648605493,
                                    0.133351786314492558, 0.117342790613031975, 0.108451783948800148,
                                    0.074921437955507673, 0.156305778009228504);
    }
    static constexpr double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;
    static constexpr double round_shift = 0x1.8p52;
    static constexpr double exp_max = 710.0, exp_min = -760.0, expm1_min = -60.0;
    static constexpr double log_huge = 0x1p60;
    static constexpr double smallest_normal = 0x1p-1022, subnormal_scale = 0x1p64;
    static constexpr int subnormal_shift = 64, mantissa_bits = 52, exponent_bias = 1023;
    static constexpr std::int64_t sqrt_half = 0x3fe6a09e667f3bcd, one = 0x3ff0000000000000;
};

// Horner's rule, which rounds least
template <class T, int N> FG_INLINE Vec<T> horner(Vec<T> x, Coefficients<T, N> p) {
    Vec<T> y = p.c[N - 1];
    for (int i = N - 2; i >= 0; --i) y = fma(y, x, Vec<T>(p.c[i]));
    return y;
}
// Long polynomials as two chains, of the even and the odd powers, which run side by side.
template <class T, int N> FG_INLINE Vec<T> polynomial(Vec<T> x, Coefficients<T, N> p) {
    if constexpr (N < 8) {
        return horner(x, p);
    } else {
        const Vec<T> square = x * x;
        Vec<T> high = p.c[N - 1], low = p.c[N - 2];
        for (int i = N - 3; i >= 0; i -= 2) {
            high = fma(high, square, Vec<T>(p.c[i]));
            if (i > 0) low = fma(low, square, Vec<T>(p.c[i - 1]));
        }
        return N % 2 ? fma(low, x, high) : fma(high, x, low);
    }
}

// NaN stays
template <class T> FG_INLINE Vec<T> minimum(Vec<T> x, double limit) { return lesser(Vec<T>(limit), x); }
template <class T> FG_INLINE Vec<T> maximum(Vec<T> x, double limit) { return greater(Vec<T>(limit), x); }

// A number as the sum of two, the second one what the first lacks.
template <class V> struct Sum {
    V high, low;
};
// what is lost when c is rounded to the numbers of V
template <class V> FG_INLINE V rounding_of(double c) { return V(c - double(typename V::Scalar(c))); }
template <class V> FG_INLINE Sum<V> sum(V a, V b) { // Knuth: exact, whichever is larger
    const V high = a + b, b_in_high = high - a;
    return {high, (a - (high - b_in_high)) + (b - b_in_high)};
}
template <class V> FG_INLINE Sum<V> sum(double c, V x) {
    const Sum<V> s = sum(V(c), x);
    return {s.high, s.low + rounding_of<V>(c)};
}
template <class V> FG_INLINE Sum<V> product(V a, V b) {
    const V high = a * b;
    return {high, fma(a, b, -high)};
}
// c x, with no rounding of c
template <class V> FG_INLINE V times(double c, V x) { return fma(V(c), x, rounding_of<V>(c) * x); }
template <class V> FG_INLINE Sum<V> product(double c, V x) {
    const Sum<V> p = product(V(c), x);
    return {p.high, p.low + rounding_of<V>(c) * x};
}

template <class V> FG_INLINE Sum<V> ratio(Sum<V> n, V d) {
    const V r = V(1.0) / d, high = n.high * r;
    return {high, (fma(-high, d, n.high) + n.low) * r};
}

// 2^n for integers n in the exponent's range
template <class T> FG_INLINE Vec<T> power_of_two(Bits<T> n) {
    using C = Constants<T>;
    return Vec<T>::from_bits((n + Bits<T>::all(C::exponent_bias)).shifted_left(C::mantissa_bits));
}

// exp(x) as 2^n (1 + tail), where x = n ln 2 + r with |r| <= ln(2) / 2 and tail = expm1(r): what several values come
// from.
template <class T> struct Exp {
    using C = Constants<T>;
    Vec<T> shifted, tail; // n + round_shift

    FG_INLINE Vec<T> value() const { return scale(Vec<T>(1.0) + tail); }
    // factor * exp(x), rounded once more only: no digits are lost where exp(x) alone would be subnormal
    FG_INLINE Vec<T> times(Vec<T> factor) const { return scale(fma(factor, tail, factor)); }
    FG_INLINE Vec<T> times(Sum<Vec<T>> factor) const { return scale(factor.high + fma(factor.high, tail, factor.low)); }
    FG_INLINE Vec<T> minus_one() const { // accurate around x = 0 too; 2^n must not overflow
        const Vec<T> power = scale(1.0);
        return fma(power, tail, power - Vec<T>(1.0));
    }
    FG_INLINE Bits<T> n() const { return shifted.bits() - Vec<T>(C::round_shift).bits(); }

  private:
    FG_INLINE Vec<T> scale(Vec<T> y) const { // y 2^n
#if defined(__AVX512F__)
        const Vec<T> power = shifted - Vec<T>(C::round_shift);
        if constexpr (sizeof(T) == 4) return _mm512_scalef_ps(y.v, power.v);
        else return _mm512_scalef_pd(y.v, power.v);
#else
        const Bits<T> half = n().shifted_right(1); // two powers: 2^n itself may lie outside the exponent's range
        return y * power_of_two<T>(half) * power_of_two<T>(n() - half);
#endif
    }
};
// of x + rest, where |rest| is a rounding error's size and exp(x) is neither infinite nor 0
template <class T> FG_INLINE Exp<T> exp_in_range(Vec<T> x, Vec<T> rest = 0.0) {
    using C = Constants<T>;
    const Vec<T> shift = C::round_shift;
    const Vec<T> shifted = fma(x, Vec<T>(1.44269504088896340736), shift);
    const Vec<T> n = shifted - shift;
    const Vec<T> r = fma(n, Vec<T>(-C::ln2_high), x) + fma(n, Vec<T>(-C::ln2_low), rest);
    return {shifted, fma(r * r, polynomial(r, C::exp_tail()), r)};
}
template <class T> FG_INLINE Exp<T> exp_of(Vec<T> x, Vec<T> rest = 0.0) {
    using C = Constants<T>;
    return exp_in_range(maximum(minimum(x, C::exp_max), C::exp_min), rest);
}
// |x|, or where exp(-|x|) has become 0
template <class T> FG_INLINE Vec<T> size_in_range(Vec<T> x) { return minimum(abs(x), -Constants<T>::exp_min); }
// exp(-|x|)
template <class T> FG_INLINE Exp<T> exp_of_minus_size(Vec<T> x) { return exp_in_range(-size_in_range(x)); }
template <class T> FG_INLINE Vec<T> exp(Vec<T> x) { return exp_of(x).value(); }

// (1 + e)^2 for e >= 0, rounded once more only
template <class T> FG_INLINE Vec<T> square_of_one_plus(Vec<T> e) { return fma(e, e + Vec<T>(2.0), Vec<T>(1.0)); }

template <class T> FG_INLINE Vec<T> expm1(Vec<T> x) {
    using C = Constants<T>;
    const Exp<T> e = exp_of(maximum(x, C::expm1_min));
    const Vec<T> half_power = power_of_two<T>(e.n() - Bits<T>::all(1)); // 2^n could overflow
    const Vec<T> y = fma(half_power, e.tail, half_power - Vec<T>(0.5));
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
    const Vec<T> tail = fma(k, Vec<T>(C::ln2_low), s * fma(z, polynomial(z, C::log_tail()), half_square));
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

// log(1 + u) for u in [0, 1]: 2 artanh(s) with s = u / (2 + u), written as u less something, which a tiny u keeps
template <class T> FG_INLINE Vec<T> log1p_of_fraction(Vec<T> u) {
    const Vec<T> s = u / (u + Vec<T>(2.0)), z = s * s;
    return fma(s, fma(z, polynomial(z, Constants<T>::artanh_tail()), -u), u);
}

// The logistic function 1 / (1 + exp(-x)), with full relative accuracy on both sides.
template <class T> FG_INLINE Vec<T> logistic(Vec<T> x) {
    const Vec<T> e = exp_of_minus_size(x).value();
    return select(x < Vec<T>(0.0), e, 1.0) / (e + Vec<T>(1.0));
}

} // namespace fastgrad::FASTGRAD_SET
