// One pass over all parameters of an optimiser.
#pragma once

#include "split.hpp"

#include "../fastgrad/apply_update.hpp"

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

template <class T> void adam(const Adam<T>* parameters, Size count, const AdamOptions& o) {
    for_each_parameter(parameters, count, 1.0, [&](const Adam<T>& s, Size begin, Size end) {
        apply<T>(adam_rule<T>(o, s.step + o.later), s, begin, s.grad + begin, end - begin);
    });
}

} // namespace fastgrad::FASTGRAD_SET
