// The weight gradient of linear, used up by an optimiser's step tile by tile: dw = dzᵀ x and db are never stored.
#pragma once

#include "linear.hpp"
#include "update.hpp"

namespace fastgrad::FASTGRAD_SET {

// Calls step(offset in w, gradient, count) for runs of dw, and step_bias(db) with all of db if there is a bias.
template <class T, class L, class Step, class StepBias>
void with_gradients(const L& l, bool has_bias, const Step& step, const StepBias& step_bias) {
    if (has_bias) {
        T* db = static_cast<T*>(scratch(Scratch::db, std::size_t(l.n) * sizeof(T)));
        LinearBackward<T> sums{};
        sums.m = l.m, sums.n = l.n, sums.dy = l.dz, sums.db = db;
        activation_and_bias<T>(nullptr, sums);
        step_bias(db);
    }
    const View<T> dz{l.dz, l.n, 1};
    const Size width = l.transposed ? l.n : l.k; // of a row of dw in memory
    T* dw = static_cast<T*>(scratch(Scratch::dw, std::size_t(l.n * l.k) * sizeof(T)));
    const auto update = [&](T* tile, Size i, Size j, Size rows, Size columns, Size stride) FG_INLINE_CALL {
        for (Size r = 0; r < rows; ++r) step((i + r) * width + j, tile + r * stride, columns);
    };
    if (l.transposed) multiply<T>(l.k, l.n, l.m, l.x.transposed(), dz, dw, nullptr, update);
    else multiply<T>(l.n, l.k, l.m, dz.transposed(), l.x, dw, nullptr, update);
}

template <class T> void linear_sgd(const LinearSgd<T>& l) {
    const auto rule = sgd_rule<T>(l.options);
    with_gradients<T>(
        l, l.b.p, [&](Size at, const T* dw, Size n) FG_INLINE_CALL { sgd_step<T>(rule, l.w, at, dw, n); },
        [&](const T* db) { sgd_step<T>(rule, l.b, 0, db, l.n); });
}

template <class T> void linear_adam(const LinearAdam<T>& l) {
    const auto rule = adam_rule<T>(l.options, l.w.step + l.options.later);
    with_gradients<T>(
        l, l.b.p, [&](Size at, const T* dw, Size n) FG_INLINE_CALL { adam_step<T>(rule, l.w, at, dw, n); },
        [&](const T* db) { adam_step<T>(adam_rule<T>(l.options, l.b.step + l.options.later), l.b, 0, db, l.n); });
}

} // namespace fastgrad::FASTGRAD_SET
