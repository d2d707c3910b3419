// One pass over all parameters of an optimiser.
#pragma once

#include "split.hpp"

#include "../fastgrad/updates.hpp"

namespace fastgrad::FASTGRAD_SET {

// Calls body(parameter, begin, end) so that every element of every parameter is visited once, cut evenly over threads.
template <class P, class Body> void for_each_parameter(const P* parameters, Size count, double ns, Body body) {
    constexpr Size unit = 64;
    Size total = 0;
    for (Size i = 0; i < count; ++i) total += parameters[i].n;
    const int tasks = tasks_for(double(total) * ns);
    parallel_for(tasks, [&](int task) {
        const Piece mine = piece(total, tasks, task, unit);
        Size at = 0;
        for (Size i = 0; i < count && at < mine.end; at += parameters[i].n, ++i) {
            const Size begin = mine.begin > at ? mine.begin - at : 0;
            const Size end = mine.end - at < parameters[i].n ? mine.end - at : parameters[i].n;
            if (begin < end) body(parameters[i], begin, end);
        }
    });
}

// Calls body(rule), with the rule of a type of its own where there is little to do.
template <class T, class Body> FG_INLINE void with_sgd_rule(const SgdOptions& o, const Body& body) {
    using V = Vec<T>;
    if (!o.maximize && o.weight_decay == 0 && o.l1 == 0)
        body(SgdRule<V, true>{V(o.lr), V(o.momentum), V(1 - o.dampening), {}, {}, o.nesterov, false, false, false});
    else
        body(SgdRule<V>{V(o.lr), V(o.momentum), V(1 - o.dampening), V(o.weight_decay), V(o.l1), o.nesterov, o.maximize,
                        o.weight_decay != 0, o.l1 != 0});
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

// n elements of a parameter from `at` on; grad points to the gradient of the first of them. By value: what is written
// could be the rule's own memory otherwise, as far as the compiler knows, and it would read it again for every
// register.
template <class T, class Rule, class S>
FG_INLINE void apply(const Rule rule, const S s, Size at, const T* grad, Size n) {
    for_each_vector<T>(n, [&](Size j, auto io)
                              FG_INLINE_CALL { apply_vector<T>(rule, s, at + j, Vec<T>(io.load(grad + j)), io); });
}

template <class T> void sgd(const Sgd<T>* parameters, Size count, const SgdOptions& o) {
    with_sgd_rule<T>(o, [&](const auto& rule) {
        for_each_parameter(parameters, count, 0.3, [&](const Sgd<T>& s, Size begin, Size end) {
            apply<T>(rule, s, begin, s.grad + begin, end - begin);
        });
    });
}

template <class T> AdamRule<Vec<T>> adam_rule(const AdamOptions& o, std::int64_t step) {
    using V = Vec<T>;
    const double correction1 = 1 - __builtin_pow(o.beta1, double(step));
    const double correction2 = 1 - __builtin_pow(o.beta2, double(step));
    return {V(o.lr / correction1),
            V(o.beta1),
            V(o.beta2),
            V(1 - o.beta1),
            V(1 - o.beta2),
            V(o.eps),
            V(__builtin_sqrt(correction2)),
            V(o.weight_decay),
            V(o.decoupled ? o.lr * o.l1 : o.l1),
            V(1 - o.lr * o.weight_decay),
            o.decoupled,
            o.maximize,
            o.weight_decay != 0,
            o.l1 != 0};
}

template <class T> void adam(const Adam<T>* parameters, Size count, const AdamOptions& o) {
    for_each_parameter(parameters, count, 1.0, [&](const Adam<T>& s, Size begin, Size end) {
        apply<T>(adam_rule<T>(o, s.step + o.later), s, begin, s.grad + begin, end - begin);
    });
}

} // namespace fastgrad::FASTGRAD_SET
