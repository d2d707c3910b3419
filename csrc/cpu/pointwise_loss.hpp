// Element-wise losses over arrays: value, reduction and gradient in one pass.
#pragma once

#include "simd.hpp"
#include "split.hpp"

#include "../fastgrad/losses.hpp"
#include "../fastgrad/vecmath.hpp"

namespace fastgrad::FASTGRAD_SET {

constexpr Size loss_block = 2048; // numbers added up in T; block sums are added up in double, in order

template <class L, class T> double pointwise_block(const PointwiseLoss<T>& l, Size at, Size count, T scale) {
    const Vec<T> parameter = l.parameter;
    Vec<T> acc = 0.0;
    for_each_vector<T>(count, [&](Size i, auto io) FG_INLINE_CALL {
        const Size j = at + i;
        const Vec<T> pos_weight = l.pos_weight ? io.load(l.pos_weight + j) : Vec<T>(1.0);
        auto [value, gradient] = L::evaluate(io.load(l.x + j), io.load(l.target + j), parameter, pos_weight);
        if (l.weight) {
            const Vec<T> weight = io.load(l.weight + j);
            value = value * weight, gradient = gradient * weight;
        }
        if (l.dx) io.store(l.dx + j, gradient * Vec<T>(scale));
        if (l.reduction == Reduction::none) io.store(l.loss + j, value);
        else acc = acc + io.keep(value);
    });
    return double(sum(acc));
}

#define FASTGRAD_BLOCK_OF(L) pointwise_block<L, T>,
template <class T> void pointwise_loss(const PointwiseLoss<T>& l) {
    constexpr double (*block_of[])(const PointwiseLoss<T>&, Size, Size,
                                   T) = {FASTGRAD_POINTWISE_LOSSES(FASTGRAD_BLOCK_OF)};
    const auto block = block_of[int(l.kind)];
    const double denominator = l.reduction == Reduction::mean ? double(l.n) : 1;
    const T scale = T(1 / denominator);
    const Size blocks = (l.n + loss_block - 1) / loss_block;
    double* sums = static_cast<double*>(scratch(Scratch::row, std::size_t(blocks + 1) * sizeof(double)));
    const int tasks = tasks_for(double(l.n));
    parallel_for(tasks, [&](int task) {
        for (Size b = blocks * task / tasks; b < blocks * (task + 1) / tasks; ++b) {
            const Size at = b * loss_block;
            sums[b] = block(l, at, l.n - at < loss_block ? l.n - at : loss_block, scale);
        }
    });
    if (l.reduction == Reduction::none) return;
    double total = 0;
    for (Size b = 0; b < blocks; ++b) total += sums[b];
    *l.loss = T(total / denominator);
}
#undef FASTGRAD_BLOCK_OF

} // namespace fastgrad::FASTGRAD_SET
