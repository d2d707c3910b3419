// PReLU: the leaky ReLU whose slope is an array, one per channel of x (outer, channels, inner), or one for all.
#pragma once

#include "elementwise.hpp"
#include "threads.hpp"

namespace fastgrad::FASTGRAD_SET {

// Calls body(offset, count, slope) over rows on which `slope(j, io)` gives the slopes of the lanes at j.
template <class T, class Body>
FG_INLINE void for_each_slope_row(const T* a, Size outer, Size channels, Size inner, bool shared, Body body) {
    if (shared) {
        body(0, outer * channels * inner, 0, [a](Size, auto) FG_INLINE_CALL { return Vec<T>(*a); });
    } else if (inner == 1) { // channels lie side by side
        for (Size o = 0; o < outer; ++o)
            body(o * channels, channels, 0, [a](Size j, auto io) FG_INLINE_CALL { return io.load(a + j); });
    } else {
        for (Size o = 0; o < outer; ++o)
            for (Size c = 0; c < channels; ++c)
                body((o * channels + c) * inner, inner, c, [a, c](Size, auto) FG_INLINE_CALL { return Vec<T>(a[c]); });
    }
}

template <class T>
void prelu_forward(T* y, const T* x, const T* a, Size outer, Size channels, Size inner, bool shared) {
    for_each_slope_row(a, outer, channels, inner, shared, [&](Size at, Size count, Size, auto slope) FG_INLINE_CALL {
        for_each_vector<T>(count, [&](Size j, auto io) FG_INLINE_CALL {
            io.store(y + at + j, LeakyRelu::forward(io.load(x + at + j), {slope(j, io), Vec<T>(0.0)}));
        });
    });
}

// da is the sum of dy x over x <= 0. Runs of numbers of one channel are added up in T, what they come to in double.
template <class T> void prelu_backward(T* dx, T* da, const T* dy, const T* x, const T* a, Size outer, Size channels,
                                       Size inner, bool shared) {
    const bool side_by_side = inner == 1 && !shared;
    const Size slopes = shared ? 1 : channels;
    double* totals = static_cast<double*>(scratch(Scratch::row, std::size_t(slopes) * sizeof(double)));
    for (Size c = 0; c < slopes; ++c) totals[c] = 0;
    for_each_slope_row(a, outer, channels, inner, shared, [&](Size at, Size count, Size c, auto slope) FG_INLINE_CALL {
        constexpr Size run = 1024;
        for (Size begin = 0; begin < count; begin += side_by_side ? count : run) {
            const Size some = side_by_side || count - begin < run ? count - begin : run;
            Vec<T> acc = 0.0;
            for_each_vector<T>(some, [&](Size i, auto io) FG_INLINE_CALL {
                const Size j = begin + i;
                const Vec<T> v = io.load(x + at + j), g = io.load(dy + at + j);
                if (dx) io.store(dx + at + j, g * LeakyRelu::from_input(v, {slope(j, io), Vec<T>(0.0)}));
                const Vec<T> da_j = select(v > Vec<T>(0.0), 0.0, v * g);
                if (side_by_side) add_lanes(totals + j, da_j, some - i);
                else acc = acc + io.keep(da_j);
            });
            if (!side_by_side) totals[c] += double(sum(acc));
        }
    });
    if (da)
        for (Size c = 0; c < slopes; ++c) da[c] = T(totals[c]);
}

} // namespace fastgrad::FASTGRAD_SET
