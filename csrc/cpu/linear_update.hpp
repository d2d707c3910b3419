// The weight gradient of linear, used up by an optimiser's step while it is at hand: dw = dzᵀ x and db are never
// stored.
#pragma once

#include "linear.hpp"
#include "update.hpp"

namespace fastgrad::FASTGRAD_SET {

// Few rows: dw is made register by register where it is used, with nothing in between. The chain of fma is that of the
// register tile, so the bits are the same. Rows [begin, end) of `inner` numbers of w in memory; dw(i, j) = sum over p
// of a(p, i) b(p, j). Not inlined: within its caller the compiler runs out of registers.
constexpr int few_samples = 4;

template <int m, class T, class S, class Rule> [[gnu::noinline]] void
update_few(Size begin, Size end, Size inner, View<T> a, View<T> b, const S& w, const Rule& w_rule) {
    const Rule rule = w_rule; // copies: see apply
    const S s = w;
    for (Size i = begin; i < end; ++i) {
        Vec<T> factor[m];
        for (int p = 0; p < m; ++p) factor[p] = Vec<T>::broadcast(a.p + p * a.rows + i * a.columns);
        for_each_vector<T>(inner, [&](Size j, auto io) FG_INLINE_CALL {
            Vec<T> dw = 0.0;
            for (int p = 0; p < m; ++p) dw = fma(factor[p], io.load(b.p + p * b.rows + j), dw);
            apply_vector<T>(rule, s, i * inner + j, dw, io);
        });
    }
}

template <int m = few_samples, class T, class S, class Rule>
void update_few(Size count, Size outer, Size inner, View<T> a, View<T> b, const S& w, const Rule& rule, int) {
    if constexpr (m > 1)
        if (count < m) return update_few<m - 1>(count, outer, inner, a, b, w, rule, 0);
    const int tasks = tasks_for(double(outer) * double(inner) * 0.3);
    parallel_for(tasks, [&](int task) {
        const Piece rows = piece(outer, tasks, task, 1);
        update_few<m>(rows.begin, rows.end, inner, a, b, w, rule);
    });
}

// What a tile of dw is used for. w (.., inner) is s, of which a row of a tile lies far from the next: it is fetched
// while the tile is made.
template <class T, class S, class Rule> struct UpdateTile {
    const S& w;
    const Rule& w_rule;
    Size inner;
    bool is_narrow; // a tile has all columns, and they lie side by side
    bool is_far;    // w is too large to be in a near cache

    FG_INLINE void operator()(T* tile, Size i, Size j, Size rows, Size columns, Size stride) const {
        const Rule rule = w_rule; // copies: see apply
        const S s = w;
        if (is_narrow) return apply<T>(rule, s, i * inner, tile, rows * inner);
        for (Size r = 0; r < rows; ++r) apply<T>(rule, s, (i + r) * inner + j, tile + r * stride, columns);
    }
    FG_INLINE void announce(Size i, Size j, Size rows, Size columns) const {
        if (!is_far) return;
        constexpr Size line = 64 / Size(sizeof(T));
        each_array(w, [&](const T* p) FG_INLINE_CALL {
            for (Size r = 0; r < rows; ++r)
                for (Size c = 0; c < columns; c += line) __builtin_prefetch(p + (i + r) * inner + j + c, 1);
        });
    }
};

// Applies a rule to all of w and b; S is Sgd or Adam, Rule their rule.
template <class T, class L, class S, class Rule>
void update_from_gradients(const L& l, const S& w, const Rule& w_rule, const S& b, const Rule& b_rule) {
    if (b.p) {
        T* db = static_cast<T*>(scratch(Scratch::db, std::size_t(l.n) * sizeof(T)));
        LinearBackward<T> sums{};
        sums.m = l.m, sums.n = l.n, sums.dy = l.dz, sums.db = db;
        activation_and_bias<T>(nullptr, sums);
        apply<T>(b_rule, b, 0, db, l.n);
    }
    const View<T> dz{l.dz, l.n, 1}, left = l.transposed ? l.x : dz, right = l.transposed ? dz : l.x;
    const Size outer = l.transposed ? l.k : l.n, inner = l.transposed ? l.n : l.k; // of w in memory
    // Rows shorter than a register are made side by side and updated together: one by one, each would wait for the
    // store of the one before, which reaches over it.
    const bool is_narrow = inner < Vec<T>::lanes;
    if (l.m > 0 && l.m <= few_samples && right.columns == 1 && !is_narrow)
        return update_few(l.m, outer, inner, left, right, w, w_rule, 0);
    const bool is_far = outer * inner * Size(sizeof(T)) >= 256 * 1024;
    T* const dw = is_narrow ? static_cast<T*>(scratch(Scratch::dz, std::size_t(outer * inner) * sizeof(T))) : nullptr;
    multiply<T>(outer, inner, l.m, left.transposed(), right, dw, nullptr,
                UpdateTile<T, S, Rule>{w, w_rule, inner, is_narrow, is_far});
}

template <class T> void linear_sgd(const LinearSgd<T>& l) {
    with_sgd_rule<T>(l.options, [&](const auto& rule) { update_from_gradients<T>(l, l.w, rule, l.b, rule); });
}

template <class T> void linear_adam(const LinearAdam<T>& l) {
    update_from_gradients<T>(l, l.w, adam_rule<T>(l.options, l.w.step + l.options.later), l.b,
                             adam_rule<T>(l.options, l.b.step + l.options.later));
}

} // namespace fastgrad::FASTGRAD_SET
