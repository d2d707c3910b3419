// The losses that compare element with element: value and gradient with respect to x, once, for any V.
//
// d = x - t. `p` is the loss's parameter (beta or delta), `w` the pos_weight of binary_cross_entropy_with_logits.
// Order and names as in FASTGRAD_POINTWISE_LOSSES and PointwiseLossKind.
#pragma once

namespace fastgrad::FASTGRAD_SET {

template <class V> struct LossValue {
    V value, gradient;
};

template <class V> FG_FORMULA V sign_of(V d) { // 0 stays 0, NaN stays NaN
    return select(d > V(0.0), V(1.0), select(d < V(0.0), V(-1.0), d));
}

struct Mse { // d^2
    template <class V> FG_FORMULA static LossValue<V> evaluate(V x, V t, V, V) {
        const V d = x - t;
        return {d * d, d + d};
    }
};

struct L1 { // |d|
    template <class V> FG_FORMULA static LossValue<V> evaluate(V x, V t, V, V) {
        const V d = x - t;
        return {abs(d), sign_of(d)};
    }
};

struct SmoothL1 { // d^2 / (2 beta) if |d| < beta else |d| - beta / 2; beta = 0 is L1
    template <class V> FG_FORMULA static LossValue<V> evaluate(V x, V t, V beta, V) {
        const V d = x - t, size = abs(d);
        return {select(size < beta, V(0.5) * d * d / beta, size - V(0.5) * beta),
                select(size < beta, d / beta, sign_of(d))};
    }
};

struct Huber { // d^2 / 2 if |d| <= delta else delta (|d| - delta / 2)
    template <class V> FG_FORMULA static LossValue<V> evaluate(V x, V t, V delta, V) {
        const V d = x - t, size = abs(d);
        return {select(size <= delta, V(0.5) * d * d, delta * (size - V(0.5) * delta)),
                select(size <= delta, d, delta * sign_of(d))};
    }
};

struct Bce { // -t log x - (1 - t) log(1 - x), logarithms no less than -100
    template <class V> FG_FORMULA static LossValue<V> evaluate(V x, V t, V, V) {
        const V log_x = maximum(log(x), -100.0), log_not_x = maximum(log1p(-x), -100.0);
        return {(t - V(1.0)) * log_not_x - t * log_x, (x - t) / maximum((V(1.0) - x) * x, 1e-12)};
    }
};

struct BceWithLogits { // -w t log s(x) - (1 - t) log(1 - s(x)), s the logistic function
    template <class V> FG_FORMULA static LossValue<V> evaluate(V x, V t, V, V w) {
        const V rest = log1p_of_fraction(exp_of_minus_size(x).value()); // -log s(x) = rest + max(-x, 0)
        const V loss = w * t * (rest + maximum(-x, 0.0)) + (V(1.0) - t) * (rest + maximum(x, 0.0));
        return {loss, (V(1.0) - t) * logistic(x) - w * t * logistic(-x)};
    }
};

#define FASTGRAD_POINTWISE_LOSSES(apply)                                                                               \
    apply(Mse) apply(L1) apply(SmoothL1) apply(Huber) apply(Bce) apply(BceWithLogits)

} // namespace fastgrad::FASTGRAD_SET
