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

template <class T> SgdRule<Vec<T>> sgd_rule(const SgdOptions& o) {
    using V = Vec<T>;
    return {V(o.lr),    V(o.momentum), V(1 - o.dampening),  V(o.weight_decay), V(o.l1),
            o.nesterov, o.maximize,    o.weight_decay != 0, o.l1 != 0};
}

// n elements of a parameter from `at` on; grad points to the gradient of the first of them.
template <class T>
FG_INLINE void sgd_step(const SgdRule<Vec<T>>& rule, const Sgd<T>& s, Size at, const T* grad, Size n) {
    using V = Vec<T>;
    T *p = s.p + at, *buffer = s.momentum_buffer ? s.momentum_buffer + at : nullptr;
    for_each_vector<T>(n, [&](Size j, auto io) FG_INLINE_CALL {
        V pj = io.load(p + j);
        const V g = io.load(grad + j);
        if (!buffer) {
            rule.plain(pj, g);
        } else {
            V b = 0.0;
            if (s.first) {
                rule.first(pj, b, g);
            } else {
                b = io.load(buffer + j);
                rule.next(pj, b, g);
            }
            io.store(buffer + j, b);
        }
        io.store(p + j, pj);
    });
}

template <class T> void sgd(const Sgd<T>* parameters, Size count, const SgdOptions& o) {
    const auto rule = sgd_rule<T>(o);
    for_each_parameter(parameters, count, 0.3, [&](const Sgd<T>& s, Size begin, Size end) {
        sgd_step<T>(rule, s, begin, s.grad + begin, end - begin);
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

template <class T>
FG_INLINE void adam_step(const AdamRule<Vec<T>>& rule, const Adam<T>& s, Size at, const T* grad, Size n) {
    using V = Vec<T>;
    for_each_vector<T>(n, [&](Size i, auto io) FG_INLINE_CALL {
        const Size j = at + i;
        V p = io.load(s.p + j), m = io.load(s.exp_avg + j), v = io.load(s.exp_avg_sq + j), largest = 0.0;
        if (s.max_exp_avg_sq) largest = io.load(s.max_exp_avg_sq + j);
        rule.step(p, m, v, s.max_exp_avg_sq ? &largest : nullptr, io.load(grad + i));
        io.store(s.p + j, p), io.store(s.exp_avg + j, m), io.store(s.exp_avg_sq + j, v);
        if (s.max_exp_avg_sq) io.store(s.max_exp_avg_sq + j, largest);
    });
}

template <class T> void adam(const Adam<T>* parameters, Size count, const AdamOptions& o) {
    for_each_parameter(parameters, count, 1.0, [&](const Adam<T>& s, Size begin, Size end) {
        adam_step<T>(adam_rule<T>(o, s.step + o.later), s, begin, s.grad + begin, end - begin);
    });
}

} // namespace fastgrad::FASTGRAD_SET
