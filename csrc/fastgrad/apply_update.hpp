// A step of an optimiser on one register of a parameter, from the options of the call on.
#pragma once

#include "kernels.hpp"
#include "updates.hpp"

namespace fastgrad::FASTGRAD_SET {

template <class T, bool bare = false> FG_INLINE SgdRule<Vec<T>, bare> sgd_rule(const SgdOptions& o) {
    using V = Vec<T>;
    return {V(o.lr),    V(o.momentum), V(1 - o.dampening),  V(o.weight_decay), V(o.l1),
            o.nesterov, o.maximize,    o.weight_decay != 0, o.l1 != 0};
}
// Calls body(rule), with the rule of a type of its own where there is little to do.
template <class T, class Body> FG_INLINE void with_sgd_rule(const SgdOptions& o, const Body& body) {
    if (!o.maximize && o.weight_decay == 0 && o.l1 == 0) body(sgd_rule<T, true>(o));
    else body(sgd_rule<T>(o));
}

// One register of a parameter at `at`, with its gradient.
template <class T, class Io, bool bare>
FG_INLINE void apply_vector(const SgdRule<Vec<T>, bare>& rule, const Sgd<T>& s, Size at, Vec<T> grad, Io io) {
    Vec<T> p = io.load(s.p + at);
    if (!s.momentum_buffer) {
        rule.plain(p, grad);
    } else {
        Vec<T> buffer = 0.0;
        if (s.first) {
            rule.first(p, buffer, grad);
        } else {
            buffer = io.load(s.momentum_buffer + at);
            rule.next(p, buffer, grad);
        }
        io.store(s.momentum_buffer + at, buffer);
    }
    io.store(s.p + at, p);
}

template <class T, class Io>
FG_INLINE void apply_vector(const AdamRule<Vec<T>>& rule, const Adam<T>& s, Size at, Vec<T> grad, Io io) {
    Vec<T> p = io.load(s.p + at), m = io.load(s.exp_avg + at), v = io.load(s.exp_avg_sq + at), largest = 0.0;
    if (s.max_exp_avg_sq) largest = io.load(s.max_exp_avg_sq + at);
    rule.step(p, m, v, s.max_exp_avg_sq ? &largest : nullptr, grad);
    io.store(s.p + at, p), io.store(s.exp_avg + at, m), io.store(s.exp_avg_sq + at, v);
    if (s.max_exp_avg_sq) io.store(s.max_exp_avg_sq + at, largest);
}

// Calls body(p) for every array that a step changes.
template <class T, class Body> FG_INLINE void each_array(const Sgd<T>& s, const Body& body) {
    body(s.p);
    if (s.momentum_buffer) body(s.momentum_buffer);
}
template <class T, class Body> FG_INLINE void each_array(const Adam<T>& s, const Body& body) {
    body(s.p), body(s.exp_avg), body(s.exp_avg_sq);
    if (s.max_exp_avg_sq) body(s.max_exp_avg_sq);
}

template <class T> FG_INLINE AdamRule<Vec<T>> adam_rule(const AdamOptions& o, std::int64_t step) {
    using V = Vec<T>;
    const double correction1 = 1 - power(o.beta1, double(step));
    const double correction2 = 1 - power(o.beta2, double(step));
    return {V(o.lr / correction1),
            V(o.beta1),
            V(o.beta2),
            V(1 - o.beta1),
            V(1 - o.beta2),
            V(o.eps),
            V(square_root(correction2)),
            V(o.weight_decay),
            V(o.decoupled ? o.lr * o.l1 : o.l1),
            V(1 - o.lr * o.weight_decay),
            o.decoupled,
            o.maximize,
            o.weight_decay != 0,
            o.l1 != 0};
}

} // namespace fastgrad::FASTGRAD_SET
