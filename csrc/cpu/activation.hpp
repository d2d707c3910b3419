// The activations' kernels as a table in the order of the list: over arrays, and over the tiles of a product.
#pragma once

#include "elementwise.hpp"
#include "split.hpp"

namespace fastgrad::FASTGRAD_SET {

template <class T> using RowsFunction = void (*)(const Rows<T>&, const BoundActivation&);
template <class T>
using DerivativeFunction = void (*)(const Rows<T>&, const T* saved, Size saved_stride, const BoundActivation&);

template <class T> struct ActivationKernels {
    RowsFunction<T> forward;
    DerivativeFunction<T> backward_output, backward_input; // null where the activation has no such form

    FG_INLINE DerivativeFunction<T> backward(const BoundActivation& f) const {
        return f.reads == Reads::output ? backward_output : backward_input;
    }
};

template <class A, class T> constexpr ActivationKernels<T> kernels_of() {
    constexpr bool from_output = requires(Vec<T> v, Parameters<Vec<T>> p) { A::from_output(v, p); };
    constexpr bool from_input = requires(Vec<T> v, Parameters<Vec<T>> p) { A::from_input(v, p); };
    ActivationKernels<T> k{activation_rows<A, T>, nullptr, nullptr};
    if constexpr (from_output) k.backward_output = derivative_rows<A, Reads::output, T>;
    if constexpr (from_input) k.backward_input = derivative_rows<A, Reads::input, T>;
    return k;
}

#define FASTGRAD_KERNELS_OF(A) kernels_of<A, T>(),
template <class T>
inline constexpr ActivationKernels<T> activation_kernels[] = {FASTGRAD_ACTIVATIONS(FASTGRAD_KERNELS_OF)};
#undef FASTGRAD_KERNELS_OF

template <class T> void activation_forward(T* y, const T* x, Size n, const BoundActivation& f) {
    for_each_piece<T>(n, 0.5, [&](Size at, Size count) {
        activation_kernels<T>[f.index].forward({y + at, count, x + at, count, 1, count}, f);
    });
}

template <class T> void activation_backward(T* dx, const T* dy, const T* saved, Size n, const BoundActivation& f) {
    const auto derivative = activation_kernels<T>[f.index].backward(f);
    for_each_piece<T>(n, 0.5, [&](Size at, Size count) {
        derivative({dx + at, count, dy + at, count, 1, count}, saved + at, count, f);
    });
}

} // namespace fastgrad::FASTGRAD_SET
