// What becomes of the finished elements of a product.
#pragma once

#include "activate.hpp"

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

template <class T> struct Store { // y (m, n), one matrix after the other
    T* y;
    Size m, n;
    __device__ void operator()(Size i, Size j, T sum) const { y[(Size(blockIdx.z) * m + i) * n + j] = sum; }
};
template <class T> struct StoreTransposed { // y (n, m)
    T* y;
    Size m;
    __device__ void operator()(Size i, Size j, T sum) const { y[j * m + i] = sum; }
};
template <class T> struct StoreActivated { // y = f(z), z = sum + b
    T *y, *z;
    const T* b;
    Size n;
    BoundActivation f;
    __device__ void operator()(Size i, Size j, T sum) const {
        const T biased = b ? sum + b[j] : sum;
        if (z) z[i * n + j] = biased;
        y[i * n + j] = forward_by_index(biased, f);
    }
};
template <class T> struct StoreDerived { // dx = sum f'(saved)
    T* dx;
    const T* saved;
    Size n;
    BoundActivation f;
    __device__ void operator()(Size i, Size j, T sum) const {
        dx[i * n + j] = saved ? backward_by_index(sum, saved[i * n + j], f) : sum;
    }
};

} // namespace fastgrad::cuda
