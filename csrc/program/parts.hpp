// Which part of a kernel's work one of several threads does when commands are run together: rows of a batch, or rows of
// a weight. A part has the bits of the whole.
#pragma once

#include "../fastgrad/kernels.hpp"

namespace fastgrad {

struct Part {
    Size begin, end;
    static Part of(Size n, int i, int parts) { return {n * i / parts, n * (i + 1) / parts}; }
};

// Each narrows the arguments of a kernel to part i of `parts`, and returns whether anything is left.

template <class T> bool take_part(LinearForward<T>& l, int i, int parts) {
    const Part rows = Part::of(l.m, i, parts);
    l.m = rows.end - rows.begin;
    l.y += rows.begin * l.n, l.x.p += rows.begin * l.x.rows;
    if (l.z) l.z += rows.begin * l.n;
    return l.m > 0;
}

template <class T> bool take_part(LinearGradInput<T>& l, int i, int parts) {
    const Part rows = Part::of(l.m, i, parts);
    l.m = rows.end - rows.begin;
    l.dx += rows.begin * l.k, l.dz += rows.begin * l.n;
    if (l.saved) l.saved += rows.begin * l.k;
    return l.m > 0;
}

template <class T> void shift(Sgd<T>& s, Size by) {
    s.p += by;
    if (s.momentum_buffer) s.momentum_buffer += by;
}
template <class T> void shift(Adam<T>& s, Size by) {
    s.p += by, s.exp_avg += by, s.exp_avg_sq += by;
    if (s.max_exp_avg_sq) s.max_exp_avg_sq += by;
}

// Rows of w as it lies in memory, (k, n); the first part does all of b. Another order of w is not cut.
template <class L> bool take_part_of_update(L& l, int i, int parts) {
    if (!l.transposed) return i == 0;
    const Part rows = Part::of(l.k, i, parts);
    l.k = rows.end - rows.begin;
    l.x.p += rows.begin * l.x.columns;
    shift(l.w, rows.begin * l.n);
    l.w.n = l.k * l.n;
    if (i > 0) l.b.p = nullptr;
    return l.k > 0;
}
template <class T> bool take_part(LinearSgd<T>& l, int i, int parts) { return take_part_of_update(l, i, parts); }
template <class T> bool take_part(LinearAdam<T>& l, int i, int parts) { return take_part_of_update(l, i, parts); }

} // namespace fastgrad
