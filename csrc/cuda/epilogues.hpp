// What becomes of the finished elements of a product.
#pragma once

#include "activate.hpp"
#include "gemm.hpp"

namespace fastgrad::cuda {

template <class T> using Few = Pack<T, fragment>; // neighbours

// The activation that a number chooses: one function for each dtype, called from every product, so that products need
// not be compiled once for every activation.
template <class T> __device__ __attribute__((noinline)) Few<T> forward_by_index(Few<T> x, BoundActivation f) {
    int index = 0;
#define FASTGRAD_CASE(A)                                                                                               \
    if (f.index == index++) {                                                                                          \
        for (T& v : x.v) v = forward_of<A, T>(v, f).v;                                                                 \
        return x;                                                                                                      \
    }
    FASTGRAD_ACTIVATIONS(FASTGRAD_CASE)
#undef FASTGRAD_CASE
    return x;
}
template <class A, Reads reads, class T>
__device__ __forceinline__ Few<T> backward_of_few(Few<T> dy, const Few<T>& saved, const BoundActivation& f) {
#pragma unroll
    for (int c = 0; c < fragment; ++c) dy.v[c] = backward_of<A, reads, T>(dy.v[c], saved.v[c], f).v;
    return dy;
}
template <class A, class T>
__device__ __forceinline__ Few<T> backward_by_reads(Few<T> dy, const Few<T>& saved, const BoundActivation& f) {
    if constexpr (requires(Vec<T> v, Parameters<Vec<T>> p) { A::from_output(v, p); })
        if (f.reads == Reads::output) return backward_of_few<A, Reads::output>(dy, saved, f);
    if constexpr (requires(Vec<T> v, Parameters<Vec<T>> p) { A::from_input(v, p); })
        if (f.reads == Reads::input) return backward_of_few<A, Reads::input>(dy, saved, f);
    return dy;
}
template <class T>
__device__ __attribute__((noinline)) Few<T> backward_by_index(Few<T> dy, Few<T> saved, BoundActivation f) {
    int index = 0;
#define FASTGRAD_CASE(A)                                                                                               \
    if (f.index == index++) return backward_by_reads<A>(dy, saved, f);
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
        Few<T> value;
#pragma unroll
        for (int c = 0; c < fragment; ++c) value.v[c] = b && c < count ? sums[c] + b[j + c] : sums[c];
        if (z) store(z + i * n + j, value.v, count);
        if (f.index >= 0) value = forward_by_index(value, f);
        store(y + i * n + j, value.v, count);
    }
};
template <class T> struct StoreDerived { // dx = sum f'(saved)
    static constexpr bool is_plain = false;
    T* dx;
    const T* saved;
    Size n;
    BoundActivation f;
    __device__ void operator()(Size i, Size j, const T* sums, int count) const {
        Few<T> value, z;
#pragma unroll
        for (int c = 0; c < fragment; ++c) value.v[c] = sums[c];
        if (saved) {
            load(saved + i * n + j, z.v, count);
            value = backward_by_index(value, z, f);
        }
        store(dx + i * n + j, value.v, count);
    }
};

} // namespace fastgrad::cuda
