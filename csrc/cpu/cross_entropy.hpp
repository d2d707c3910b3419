// Cross-entropy and negative log-likelihood over rows of class scores: loss and gradient in one visit to each block of
// rows.
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

    // Losses of rows [begin, end), at most as many as there are lanes, to `each`; their gradients times `scale` to dx.
    // Stage by stage for all rows: what one row waits for, its maximum, its sum, the store it reads next, is filled by
    // the others, and one logarithm serves all of them.
    void block(Size begin, Size end, T scale, double* each) const {
        const bool spreads = l.probability || l.label_smoothing != 0;
        // Short rows get a register each: one that is stored over the beginning of the next would make it wait.
        constexpr Size lanes = Vec<T>::lanes;
        const bool is_short = l.dx && l.c < lanes;
        alignas(64) T registers[lanes * lanes];
        const Gradients to{is_short ? registers : l.dx ? l.dx + begin * l.c : nullptr, is_short ? lanes : l.c, begin};
        T max[lanes]{}, log_total[lanes]{}, inverse[lanes]{}, of_target[lanes]{};
        if (l.index) // first, as gradients may take the place of scores
            for (Size i = begin; i < end; ++i)
                if (!ignored(i)) of_target[i - begin] = l.x[i * l.c + l.index[i]];
        if (!l.log_probabilities) {
            T total[lanes];
            for (T& t : total) t = 1;
            for (Size i = begin; i < end; ++i)
                if (!ignored(i)) max[i - begin] = row_max(l.x + i * l.c, l.c);
            for (Size i = begin; i < end; ++i)
                if (!ignored(i)) total[i - begin] = row_exp_sum(to.row(i), l.x + i * l.c, max[i - begin], l.c);
            const Vec<T> totals = Vec<T>::load(total);
            log(totals).store(log_total);
            (Vec<T>(1.0) / totals).store(inverse);
        }
        for (Size i = begin; i < end; ++i) {
            const Size k = i - begin;
            if (ignored(i)) {
                each[i] = 0;
                if (l.dx) __builtin_memset(to.row(i), 0, std::size_t(l.c) * sizeof(T));
            } else {
                each[i] = row(i, to.row(i), scale, spreads, of_target[k], max[k], log_total[k], inverse[k]);
            }
        }
        if (l.dx && l.index)
            for (Size i = begin; i < end; ++i)
                if (!ignored(i)) to.row(i)[l.index[i]] -= own(i) * scale;
        if (is_short)
            for (Size i = begin; i < end; ++i) Vec<T>::load(to.row(i)).store_partial(l.dx + i * l.c, l.c);
    }

  private:
    // Where the gradients of rows from `first` on are made.
    struct Gradients {
        T* p;
        Size stride, first;
        FG_INLINE T* row(Size i) const { return p ? p + (i - first) * stride : nullptr; }
    };
    FG_INLINE T own(Size i) const { return l.index ? T(1 - l.label_smoothing) * weight(l.index[i]) : T(0); }

    // The loss of row i, whose gradient but for the target's own part goes to `to`.
    FG_INLINE double row(Size i, T* to, T scale, bool spreads, T of_target, T max, T log_total, T inverse) const {
        const T* x = l.x + i * l.c;
        const T at_target = own(i);
        Vec<T> loss = 0.0, sum_q = 0.0;
        if (spreads)
            for_each_vector<T>(l.c, [&](Size j, auto io) FG_INLINE_CALL {
                const Vec<T> q = io.keep(spread(i, j, io));
                loss = loss - io.keep(q * (io.load(x + j) - Vec<T>(max) - Vec<T>(log_total)));
                sum_q = sum_q + q;
            });
        const double row_loss =
            double(sum(loss)) + (l.index ? double(at_target) * -double(of_target - max - log_total) : 0.0);
        if (to) {
            const Vec<T> all = (sum(sum_q) + at_target) * scale;
            for_each_vector<T>(l.c, [&](Size j, auto io) FG_INLINE_CALL {
                Vec<T> g = l.log_probabilities ? Vec<T>(0.0) : io.load(to + j) * Vec<T>(inverse) * all;
                if (spreads) g = g - spread(i, j, io) * Vec<T>(scale);
                io.store(to + j, g);
            });
        }
        return row_loss;
    }
};

// What the sum of the losses is divided by.
template <class T> double loss_denominator(const CrossEntropy<T>& l) {
    if (l.reduction != Reduction::mean) return 1;
    const CrossEntropyRows<T> rows{l};
    double denominator = 0;
    for (Size i = 0; i < l.n; ++i)
        if (!l.index) denominator += 1;
        else if (!rows.ignored(i)) denominator += double(rows.weight(l.index[i]));
    return denominator;
}

// Rows [begin, end): gradients, and losses to l.each.
template <class T> void cross_entropy_rows(const CrossEntropy<T>& l, Size begin, Size end) {
    const CrossEntropyRows<T> rows{l};
    const T scale = T(1 / loss_denominator(l));
    for (Size i = begin; i < end; i += Vec<T>::lanes)
        rows.block(i, end - i < Vec<T>::lanes ? end : i + Vec<T>::lanes, scale, l.each);
}

// The loss, from those of all rows in l.each.
template <class T> void cross_entropy_total(const CrossEntropy<T>& l) {
    if (l.reduction == Reduction::none) {
        for (Size i = 0; i < l.n; ++i) l.loss[i] = T(l.each[i]);
        return;
    }
    double total = 0;
    for (Size i = 0; i < l.n; ++i) total += l.each[i];
    *l.loss = T(total / loss_denominator(l));
}

template <class T> void cross_entropy(const CrossEntropy<T>& given) {
    CrossEntropy<T> l = given;
    l.each = static_cast<double*>(scratch(Scratch::row, std::size_t(l.n + 1) * sizeof(double)));
    const int tasks = tasks_for(double(l.n) * (20 + double(l.c)));
    parallel_for(tasks, [&](int task) { cross_entropy_rows(l, l.n * task / tasks, l.n * (task + 1) / tasks); });
    cross_entropy_total(l);
}

} // namespace fastgrad::FASTGRAD_SET
