// One register through an activation: forward, and dy times the derivative, computed from whatever it reads.
#pragma once

#include "activations.hpp"
#include "normal.hpp"

namespace fastgrad::FASTGRAD_SET {

template <class V> FG_INLINE Parameters<V> broadcast_parameters(const BoundActivation& f) {
    // rounded to the dtype of the data first, also where the arithmetic is wider
    return {V(f.parameters.a), V(f.parameters.b)};
}
template <class T> FG_INLINE Parameters<Vec<double>> widened_parameters(const BoundActivation& f) {
    return {Vec<double>(double(T(f.parameters.a))), Vec<double>(double(T(f.parameters.b)))};
}

// Evaluates `formula` on x, in double if the activation says that float is not enough.
template <bool wide, class T, class Formula>
FG_INLINE Vec<T> evaluate(Formula formula, Vec<T> x, const BoundActivation& f) {
    if constexpr (wide && sizeof(T) == 4) {
        const auto p = widened_parameters<T>(f);
        return in_double(x, [&](Vec<double> v) FG_INLINE_CALL { return formula(v, p); });
    } else {
        return formula(x, broadcast_parameters<Vec<T>>(f));
    }
}

template <class A, class T> FG_INLINE Vec<T> forward_of(Vec<T> x, const BoundActivation& f) {
    return evaluate<A::wide_forward>([](auto v, auto p) FG_INLINE_CALL { return A::forward(v, p); }, x, f);
}

// dy f'(saved)
template <class A, Reads reads, class T>
FG_INLINE Vec<T> backward_of(Vec<T> dy, Vec<T> saved, const BoundActivation& f) {
    const Vec<T> slope = evaluate<A::wide_derivative>(
        [](auto v, auto p) FG_INLINE_CALL {
            if constexpr (reads == Reads::output) return A::from_output(v, p);
            else return A::from_input(v, p);
        },
        saved, f);
    const Vec<T> dx = dy * slope;
    return A::gates ? select(slope == Vec<T>(0.0), 0.0, dx) : dx;
}

} // namespace fastgrad::FASTGRAD_SET
