// The normal distribution as GELU needs it: x Phi(x) and its derivative.
//
// Both are exp(-x^2 / 2) times a smooth function for x < 0, and mirror images of that for x > 0. Coefficients come from
// tools/polynomials.py.
#pragma once

#include "vecmath.hpp"

namespace fastgrad::FASTGRAD_SET {

// g in a Phi(-a) = exp(-a^2 / 2) q g(2q - 1), with q = a / (a + 4) and 0 <= a <= 15
FG_CONSTANTS auto normal_tail() {
    return coefficients<float>(0.7552851386f, -0.6078965941f, 0.3871366831f, -0.1865233068f, 0.06040618551f,
                               -0.007525402418f, -0.003520972824f, 0.001566881688f, 0.0001889965194f,
                               -0.0001255583856f);
}
// h in Phi(-a) - a phi(a) = exp(-a^2 / 2) (root - a) h(2q - 1): the root is outside, so nothing cancels near it
FG_CONSTANTS auto normal_slope_tail() {
    return coefficients<float>(0.4622112442f, -0.1033658977f, 0.06046291873f, -0.02808337115f, 0.009505224037f,
                               -0.001788204086f, -0.0001561258059f, 0.0001853959723f, -1.380605553e-5f,
                               -1.646353947e-5f);
}
constexpr double normal_slope_root = 0.7517915246935644574579;

// g in erfc(a) = exp(-a^2) g(t) / (1 + 2a), with t = (a - 2) / (a + 2) and 0 <= a <= 28
FG_CONSTANTS auto erfc_scaled() {
    return coefficients<double>(
        1.27697838155252879, -0.0927638265857464378, -0.166030397615315587, 0.164051280033490966, -0.054220000990455793,
        -0.00803401508398000125, 0.00872265383803202416, 0.00127133898716886226, -0.00145681347874740186,
        -0.000454340971278843643, 0.000206363740589722641, 0.000151039554165295892, -1.49334409843723651e-6,
        -0.0000364226672570564145, -0.0000135451700760526055, 3.70210046847901606e-6, 5.33581485552715532e-6,
        1.53434229261721367e-6, -8.56085143634132868e-7, -8.93844062890295847e-7, -1.13763533386256364e-7,
        2.06503387005505008e-7, 8.02806621414234178e-8, -1.88144295842172656e-8, -1.1225079560079543e-8);
}

// Phi(x) = erfc(-x / sqrt 2) / 2, for doubles; `density` is phi(x) = exp(-x^2 / 2) / sqrt(2 pi).
struct Normal {
    Vec<double> cumulative, density;
};
FG_INLINE Normal normal(Vec<double> x) {
    using V = Vec<double>;
    const V size = minimum(abs(x), 38.6);
    const V a = size * V(0.70710678118654752440), one_plus = a + a + V(1.0), two_plus = a + V(2.0);
    const V both = V(1.0) / (one_plus * two_plus);
    const V g = polynomial((a - V(2.0)) * one_plus * both, erfc_scaled());
    const V square = size * size; // its rounding error would be magnified by exp
    const V e = exp(square * V(-0.5)), bell = fma(e * V(-0.5), fma(size, size, -square), e);
    const V tail = bell * g * two_plus * both * V(0.5);
    return {select(x < V(0.0), tail, V(1.0) - tail), bell * V(0.39894228040143267794)};
}

// What the functions of floats have in common, with a = |x|: exp(-a^2 / 2), q and 2q - 1.
struct NormalTail {
    Vec<float> size, q, t;
    Exp<float> bell;

    FG_INLINE explicit NormalTail(Vec<float> x) : size(minimum(abs(x), 15.0)) {
        const Vec<float> square = size * size, lost = fma(size, size, -square), half = -0.5;
        q = size / (size + Vec<float>(4.0));
        t = fma(q, Vec<float>(2.0), Vec<float>(-1.0));
        bell = exp_in_range(square * half, lost * half);
    }
};

// x Phi(x)
FG_INLINE Vec<double> times_normal(Vec<double> x) { return maximum(x, -1e3) * normal(x).cumulative; }
FG_INLINE Vec<float> times_normal(Vec<float> x) {
    const NormalTail a(x);
    const Vec<float> tail = a.bell.times(a.q * horner(a.t, normal_tail())); // |x| Phi(-|x|)
    return maximum(x, 0.0) - tail;
}

// d/dx x Phi(x) = Phi(x) + x phi(x)
FG_INLINE Vec<double> times_normal_slope(Vec<double> x) {
    const auto [cumulative, density] = normal(x);
    return cumulative + minimum(maximum(x, -1e3), 1e3) * density;
}
FG_INLINE Vec<float> times_normal_slope(Vec<float> x) {
    const NormalTail a(x);
    const Vec<float> root = normal_slope_root, to_root = (root - a.size) + rounding_of<Vec<float>>(normal_slope_root);
    const Vec<float> tail = a.bell.times(to_root * horner(a.t, normal_slope_tail()));
    return select(x < Vec<float>(0.0), tail, Vec<float>(1.0) - tail);
}

} // namespace fastgrad::FASTGRAD_SET
