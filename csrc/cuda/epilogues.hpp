// What becomes of the finished elements of a product.
#pragma once

#include "activate.hpp"
#include "gemm.hpp"

namespace fastgrad::cuda {

// The activation that a number chooses: one function for each dtype, called from every product, so that products need
// not be compiled once for every activation.
template <class T> __device__ __attribute__((noinline)) T forward_by_index(T x, const BoundActivation& f) {
    int index = 0;
#define FASTGRAD_CASE(A)                                                                                               \
    if (f.index == index++) return forward_of<A, T>(x, f).v;
    FASTGRAD_ACTIVATIONS(FASTGRAD_CASE)
#undef FASTGRAD_CASE
    return x;
}
template <class A, class T> __device__ __forceinline__ T backward_by_reads(T dy, T saved, const BoundActivation& f) {
    if constexpr (requires(Vec<T> v, Parameters<Vec<T>> p) { A::from_output(v, p); })
        if (f.reads == Reads::output) return backward_of<A, Reads::output, T>(dy, saved, f).v;
    if constexpr (requires(Vec<T> v, Parameters<Vec<T>> p) { A::from_input(v, p); })
        if (f.reads == Reads::input) return backward_of<A, Reads::input, T>(dy, saved, f).v;
    return dy;
}
template <class T> __device__ __attribute__((noinline)) T backward_by_index(T dy, T saved, const BoundActivation& f) {
    int index = 0;
#define FASTGRAD_CASE(A)                                                                                               \
    if (f.index == index++) return backward_by_reads<A, T>(dy, saved, f);
    FASTGRAD_ACTIVATIONS(FASTGRAD_CASE)
#undef FASTGRAD_CASE
    return dy;
}

template <class T> struct StoreActivated { // y = f(z), z = sum + b
    static constexpr bool is_plain = false;
    T *y, *z;
    const T* b;
    Size n;
    BoundActivation f;
    __device__ void operator()(Size i, Size j, const T* sums, int count) const {
        T value[fragment];
#pragma unroll
        for (int c = 0; c < fragment; ++c) value[c] = b && c < count ? sums[c] + b[j + c] : sums[c];
        if (z) store(z + i * n + j, value, count);
        if (f.index >= 0)
            for (int c = 0; c < fragment; ++c) value[c] = forward_by_index(value[c], f);
        store(y + i * n + j, value, count);
    }
};
template <class T> struct StoreDerived { // dx = sum f'(saved)
    static constexpr bool is_plain = false;
    T* dx;
    const T* saved;
    Size n;
    BoundActivation f;
    __device__ void operator()(Size i, Size j, const T* sums, int count) const {
        T value[fragment];
#pragma unroll
        for (int c = 0; c < fragment; ++c)
            value[c] = saved && c < count ? backward_by_index(sums[c], saved[i * n + j + c], f) : sums[c];
        store(dx + i * n + j, value, count);
    }
};

} // namespace fastgrad::cuda
