// The losses of one row of class scores and of one element, as every kernel that has a loss in it computes them.
#pragma once

#include "rows.hpp"

#include "../fastgrad/losses.hpp"

namespace fastgrad::cuda {

// Row i has loss -sum_c q_c log p_c and gradient p_c sum(q) - q_c; the coefficients q are those of csrc/cpu's.
template <class T> struct Classes {
    const CrossEntropy<T>& l;

    __device__ std::int64_t target(Size i) const { return l.index ? l.index[i] : 0; }
    // Targets that are no class have been found already, and count as ignored.
    __device__ bool ignored(Size i) const {
        const std::int64_t t = target(i);
        return l.index && (t == l.ignore_index || t < 0 || t >= l.c);
    }
    __device__ T weight(Size c) const { return l.weight ? l.weight[c] : T(1); }
    __device__ T own(Size i) const { return l.index ? T(1 - l.label_smoothing) * weight(target(i)) : T(0); }
    __device__ T coefficient(Size i, Size j) const {
        T q = T(l.label_smoothing / double(l.c));
        if (l.probability) q = fma(Vec<T>(l.probability[i * l.c + j]), Vec<T>(1 - l.label_smoothing), Vec<T>(q)).v;
        q = l.weight ? q * l.weight[j] : q;
        return l.index && j == target(i) ? q + own(i) : q;
    }
};

constexpr Size few_rows = 4096; // of which every block can add up the weights

// What the sum of the losses is divided by, or the part of it that rows [begin, end) have; for all threads of a block,
// in a fixed order.
template <class T> __device__ double denominator_of(const Classes<T>& classes, double* room, Size begin, Size end) {
    const CrossEntropy<T>& l = classes.l;
    if (l.reduction != Reduction::mean) return 1;
    if (!l.index) return double(l.n);
    double sum = 0;
    for (Size i = begin + threadIdx.x; i < end; i += blockDim.x)
        if (!classes.ignored(i)) sum += double(classes.weight(classes.target(i)));
    return over_block(sum, Add(), room, 0.0);
}

// Before a kernel: the denominator, where rows are too many for its blocks to find it themselves; else null. Takes
// room_for_denominator of scratch memory.
template <class T> const double* find_denominator(const CrossEntropy<T>& l); // losses.cu
std::size_t room_for_denominator(Size n);

// The loss of row i, which is x, and its gradient times `scale`; dx may be null, and x where CrossEntropy says so.
template <int threads, class T> __device__ T cross_entropy_row(const Classes<T>& classes, const RowTeam<threads>& team,
                                                               Size i, const T* x, T* dx, T scale) {
    const CrossEntropy<T>& l = classes.l;
    if (classes.ignored(i)) {
        if (dx) team.each(l.c, [&](Size j) { dx[j] = 0; });
        return 0;
    }
    T max = 0, log_total = 0, inverse = 0;
    if (!l.log_probabilities) {
        max = team.largest(x, l.c);
        const T sum = team.template sum<T>(l.c, [&](Size j) { return exp(Vec<T>(x[j] - max)).v; });
        log_total = log(Vec<T>(sum)).v, inverse = T(1) / sum;
    }
    T loss, sum_q;
    if (l.probability || l.label_smoothing != 0) {
        loss = -team.template sum<T>(l.c, [&](Size j) { return classes.coefficient(i, j) * (x[j] - max - log_total); });
        sum_q = team.template sum<T>(l.c, [&](Size j) { return classes.coefficient(i, j); });
    } else {
        sum_q = classes.own(i);
        loss = sum_q * -(x[classes.target(i)] - max - log_total);
        if constexpr (threads == 32) __syncwarp(); // dx may be x: everybody has read the target's score
        else __syncthreads();
    }
    if (!dx) return loss;
    const T all = sum_q * scale;
    team.each(l.c, [&](Size j) {
        const T p = l.log_probabilities ? T(0) : exp(Vec<T>(x[j] - max)).v * inverse * all;
        dx[j] = p - classes.coefficient(i, j) * scale;
    });
    return loss;
}

// Element i of a loss of L's kind, which is x: its value and gradient.
template <class L, class T> __device__ LossValue<Vec<T>> pointwise_value(const PointwiseLoss<T>& l, T x, Size i) {
    const Vec<T> pos_weight = l.pos_weight ? l.pos_weight[i] : T(1), parameter = l.parameter;
    LossValue<Vec<T>> r = L::evaluate(Vec<T>(x), Vec<T>(l.target[i]), parameter, pos_weight);
    if (l.weight) r.value = r.value * Vec<T>(l.weight[i]), r.gradient = r.gradient * Vec<T>(l.weight[i]);
    return r;
}

} // namespace fastgrad::cuda
