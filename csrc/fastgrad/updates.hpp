// The update rules, once, for any V: what one step does to a parameter p, its gradient g and its state.
#pragma once

namespace fastgrad::FASTGRAD_SET {

// The derivative of the penalty l1 |p|, with sign(0) = 0.
template <class V> FG_FORMULA V l1_gradient(V p, V l1) {
    return select(p > V(0.0), l1, select(p < V(0.0), -l1, V(0.0)));
}

// Stochastic gradient descent with momentum as torch.optim.SGD; weight decay and l1 join the gradient first.
// `bare`: without penalties, downhill.
template <class V, bool bare = false> struct SgdRule {
    V lr, momentum, kept, weight_decay, l1; // kept = 1 - dampening
    bool nesterov, maximize, decays, sparsifies;

    FG_FORMULA V gradient(V p, V g) const {
        if constexpr (bare) return g;
        if (maximize) g = -g;
        if (decays) g = fma(weight_decay, p, g);
        if (sparsifies) g = g + l1_gradient(p, l1);
        return g;
    }
    FG_FORMULA void plain(V& p, V g) const { p = fma(-lr, gradient(p, g), p); }
    FG_FORMULA void first(V& p, V& buffer, V g) const {
        buffer = gradient(p, g);
        follow(p, buffer, buffer);
    }
    FG_FORMULA void next(V& p, V& buffer, V g) const {
        g = gradient(p, g);
        buffer = fma(momentum, buffer, kept * g);
        follow(p, g, buffer);
    }
    FG_FORMULA void follow(V& p, V g, V buffer) const { p = fma(-lr, nesterov ? fma(momentum, buffer, g) : buffer, p); }
};

// Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019: the penalties act on p, not on the gradient).
template <class V> struct AdamRule {
    V step_size, beta1, beta2, rest1, rest2, eps, root_correction2, weight_decay, l1, keep; // rest = 1 - beta
    bool decoupled, maximize, decays, sparsifies;
    // step_size = lr / (1 - beta1^t), root_correction2 = sqrt(1 - beta2^t); decoupled: keep = 1 - lr weight_decay,
    // and l1 is lr l1

    FG_FORMULA void step(V& p, V& m, V& v, V* largest_v, V g) const {
        if (maximize) g = -g;
        if (decoupled) {
            const V before = p;
            if (decays) p = p * keep;
            if (sparsifies) p = p - l1_gradient(before, l1);
        } else {
            const V before = p;
            if (decays) g = fma(weight_decay, before, g);
            if (sparsifies) g = g + l1_gradient(before, l1);
        }
        m = fma(rest1, g - m, m);
        v = fma(beta2, v, rest2 * g * g);
        V scale = v;
        if (largest_v) scale = *largest_v = select(v > *largest_v, v, *largest_v);
        p = p - step_size * (m / (sqrt(scale) / root_correction2 + eps));
    }
};

} // namespace fastgrad::FASTGRAD_SET
