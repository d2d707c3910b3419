// Cross-entropy and negative log-likelihood over rows of class scores: loss and gradient in one visit to each row.
#pragma once

#include "softmax.hpp"

namespace fastgrad::FASTGRAD_SET {

// Row i has loss -sum_c q_c log p_c and gradient p_c sum(q) - q_c. The coefficients q are
//   with indices:        (1 - s) w_t at the target t, and s w_c / C everywhere (s the label smoothing)
//   with probabilities:  w_c (t_c (1 - s) + s / C)
template <class T> struct CrossEntropyRows {
    const CrossEntropy<T>& l;

    FG_INLINE T weight(std::int64_t c) const { return l.weight ? l.weight[c] : T(1); }
    FG_INLINE bool ignored(Size i) const { return l.index && l.index[i] == l.ignore_index; }

    // The coefficients of a row but for the target's own: lanes from column j.
    template <class Io> FG_INLINE Vec<T> spread(Size i, Size j, Io io) const {
        Vec<T> q = l.label_smoothing / double(l.c);
        if (l.probability) q = fma(io.load(l.probability + i * l.c + j), Vec<T>(1 - l.label_smoothing), q);
        return l.weight ? q * io.load(l.weight + j) : q;
    }

    // Loss of row i; its gradient times `scale` goes to dx.
    double row(Size i, T scale) const {
        const T* x = l.x + i * l.c;
        T* dx = l.dx ? l.dx + i * l.c : nullptr;
        const bool spreads = l.probability || l.label_smoothing != 0;
        const T own = l.index ? T(1 - l.label_smoothing) * weight(l.index[i]) : T(0);
        T max = 0, log_total = 0;
        Vec<T> inverse = 0.0;
        if (!l.log_probabilities) {
            max = row_max(x, l.c);
            const T total = row_exp_sum(dx, x, max, l.c);
            log_total = scalar_log(total);
            inverse = T(1) / total;
        }
        Vec<T> loss = 0.0, sum_q = 0.0;
        if (spreads)
            for_each_vector<T>(l.c, [&](Size j, auto io) FG_INLINE_CALL {
                const Vec<T> q = io.keep(spread(i, j, io));
                loss = loss - io.keep(q * (io.load(x + j) - Vec<T>(max) - Vec<T>(log_total)));
                sum_q = sum_q + q;
            });
        const double row_loss =
            double(sum(loss)) + (l.index ? double(own) * -double(x[l.index[i]] - max - log_total) : 0.0);
        if (dx) {
            const Vec<T> all = (sum(sum_q) + own) * scale;
            for_each_vector<T>(l.c, [&](Size j, auto io) FG_INLINE_CALL {
                Vec<T> g = l.log_probabilities ? Vec<T>(0.0) : io.load(dx + j) * inverse * all;
                if (spreads) g = g - spread(i, j, io) * Vec<T>(scale);
                io.store(dx + j, g);
            });
            if (l.index) dx[l.index[i]] -= own * scale;
        }
        return row_loss;
    }
};

template <class T> void cross_entropy(const CrossEntropy<T>& l) {
    const CrossEntropyRows<T> rows{l};
    double denominator = 1;
    if (l.reduction == Reduction::mean) {
        denominator = 0;
        for (Size i = 0; i < l.n; ++i)
            if (!l.index) denominator += 1;
            else if (!rows.ignored(i)) denominator += double(rows.weight(l.index[i]));
    }
    const T scale = T(1 / denominator);
    double* each = static_cast<double*>(scratch(Scratch::row, std::size_t(l.n + 1) * sizeof(double)));
    const int tasks = tasks_for(double(l.n) * (20 + double(l.c)));
    parallel_for(tasks, [&](int task) {
        for (Size i = l.n * task / tasks; i < l.n * (task + 1) / tasks; ++i) {
            if (rows.ignored(i)) {
                each[i] = 0;
                if (l.dx) __builtin_memset(l.dx + i * l.c, 0, std::size_t(l.c) * sizeof(T));
            } else {
                each[i] = rows.row(i, scale);
            }
        }
    });
    if (l.reduction == Reduction::none) {
        for (Size i = 0; i < l.n; ++i) l.loss[i] = T(each[i]);
        return;
    }
    double total = 0;
    for (Size i = 0; i < l.n; ++i) total += each[i];
    *l.loss = T(total / denominator);
}

} // namespace fastgrad::FASTGRAD_SET
