// Activations over rows of numbers, forward and backward.
#pragma once

#include "simd.hpp"

#include "../fastgrad/activate.hpp"
#include "../fastgrad/kernels.hpp"

namespace fastgrad::FASTGRAD_SET {

template <class A, class T> void activation_rows(const Rows<T>& r, const BoundActivation& f) {
    for (std::ptrdiff_t i = 0; i < r.rows; ++i) {
        T* y = r.y + i * r.y_stride;
        const T* x = r.x + i * r.x_stride;
        for_each_vector<T>(r.columns, [&](std::ptrdiff_t j, auto io)
                                          FG_INLINE_CALL { io.store(y + j, forward_of<A, T>(io.load(x + j), f)); });
    }
}

template <class A, Reads reads, class T>
void derivative_rows(const Rows<T>& r, const T* saved, std::ptrdiff_t saved_stride, const BoundActivation& f) {
    for (std::ptrdiff_t i = 0; i < r.rows; ++i) {
        T* dx = r.y + i * r.y_stride;
        const T *dy = r.x + i * r.x_stride, *s = saved + i * saved_stride;
        for_each_vector<T>(r.columns, [&](std::ptrdiff_t j, auto io) FG_INLINE_CALL {
            io.store(dx + j, backward_of<A, reads, T>(io.load(dy + j), io.load(s + j), f));
        });
    }
}

} // namespace fastgrad::FASTGRAD_SET
