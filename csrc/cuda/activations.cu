// Activations over arrays, PReLU and dropout.
#include "activate.hpp"
#include "fragment.hpp"

#include "../fastgrad/random.hpp"

namespace fastgrad::cuda {
namespace {

template <class A, class T> __global__ void forward_kernel(T* y, const T* x, Size n, BoundActivation f) {
    for_each_element(n, [&](Size i) { y[i] = forward_of<A, T>(x[i], f).v; });
}
template <class A, class T, int per> __global__ void forward_packs(T* y, const T* x, Size packs, BoundActivation f) {
    using P = Pack<T, per>;
    for_each_element(packs, [&](Size i) {
        P p = reinterpret_cast<const P*>(x)[i];
#pragma unroll
        for (int k = 0; k < per; ++k) p.v[k] = forward_of<A, T>(p.v[k], f).v;
        reinterpret_cast<P*>(y)[i] = p;
    });
}
template <class A, Reads reads, class T>
__global__ void backward_kernel(T* dx, const T* dy, const T* saved, Size n, BoundActivation f) {
    for_each_element(n, [&](Size i) { dx[i] = backward_of<A, reads, T>(dy[i], saved[i], f).v; });
}
template <class A, Reads reads, class T, int per>
__global__ void backward_packs(T* dx, const T* dy, const T* saved, Size packs, BoundActivation f) {
    using P = Pack<T, per>;
    for_each_element(packs, [&](Size i) {
        P g = reinterpret_cast<const P*>(dy)[i];
        const P s = reinterpret_cast<const P*>(saved)[i];
#pragma unroll
        for (int k = 0; k < per; ++k) g.v[k] = backward_of<A, reads, T>(g.v[k], s.v[k], f).v;
        reinterpret_cast<P*>(dx)[i] = g;
    });
}

template <class T> struct Kernels {
    void (*forward)(T*, const T*, Size, BoundActivation);
    void (*forward_packed)(T*, const T*, Size, BoundActivation);
    using Backward = void (*)(T*, const T*, const T*, Size, BoundActivation);
    Backward output, output_packed, input, input_packed; // null where the activation has no such form
};
template <class A, class T> constexpr Kernels<T> kernels_of() {
    constexpr int per = pack_size<T>;
    Kernels<T> k{forward_kernel<A, T>, forward_packs<A, T, per>, nullptr, nullptr, nullptr, nullptr};
    if constexpr (requires(Vec<T> v, Parameters<Vec<T>> p) { A::from_output(v, p); }) {
        k.output = backward_kernel<A, Reads::output, T>;
        k.output_packed = backward_packs<A, Reads::output, T, per>;
    }
    if constexpr (requires(Vec<T> v, Parameters<Vec<T>> p) { A::from_input(v, p); }) {
        k.input = backward_kernel<A, Reads::input, T>;
        k.input_packed = backward_packs<A, Reads::input, T, per>;
    }
    return k;
}

#define FASTGRAD_KERNELS_OF(A) kernels_of<A, T>(),
template <class T> const Kernels<T>& kernels_for(const BoundActivation& f) {
    static constexpr Kernels<T> table[] = {FASTGRAD_ACTIVATIONS(FASTGRAD_KERNELS_OF)};
    return table[f.index];
}
#undef FASTGRAD_KERNELS_OF

template <class T>
__global__ void prelu_forward_kernel(T* y, const T* x, const T* a, Size n, Size channels, Size inner, bool shared) {
    for_each_element(n, [&](Size i) {
        const T slope = shared ? *a : a[i / inner % channels];
        y[i] = LeakyRelu::forward(Vec<T>(x[i]), {Vec<T>(slope), Vec<T>(0.0)}).v;
    });
}
template <class T> __global__ void prelu_dx_kernel(T* dx, const T* dy, const T* x, const T* a, Size n, Size channels,
                                                   Size inner, bool shared) {
    for_each_element(n, [&](Size i) {
        const T slope = shared ? *a : a[i / inner % channels];
        dx[i] = (Vec<T>(dy[i]) * LeakyRelu::from_input(Vec<T>(x[i]), {Vec<T>(slope), Vec<T>(0.0)})).v;
    });
}
// The sum of dy x over x <= 0 for each slope, in double and in a fixed order: of `slope_block` elements first.
constexpr Size slope_block = 16384;
template <class T> __global__ void prelu_da_parts(double* to, const T* dy, const T* x, Size count, Size parts,
                                                  Size channels, Size inner, bool shared) {
    __shared__ double room[32];
    const Size c = blockIdx.x / parts, begin = blockIdx.x % parts * slope_block;
    const Size end = begin + slope_block < count ? begin + slope_block : count;
    double sum = 0;
    for (Size k = begin + threadIdx.x; k < end; k += blockDim.x) {
        const Size i = shared ? k : (k / inner * channels + c) * inner + k % inner;
        if (!(x[i] > T(0))) sum += double(x[i] * dy[i]);
    }
    sum = over_block(sum, Add(), room, 0.0);
    if (threadIdx.x == 0) to[blockIdx.x] = sum;
}
template <class T> __global__ void prelu_da_kernel(T* da, const double* sums, Size parts) {
    __shared__ double room[32];
    double sum = 0;
    for (Size p = threadIdx.x; p < parts; p += blockDim.x) sum += sums[Size(blockIdx.x) * parts + p];
    sum = over_block(sum, Add(), room, 0.0);
    if (threadIdx.x == 0) da[blockIdx.x] = T(sum);
}

template <class T> __global__ void dropout_kernel(T* y, const T* x, Size n, T scale, std::uint64_t threshold,
                                                  Latest<RandomCounter> counter) {
    static_assert(fragment == 4); // numbers of a block of the generator
    const auto [seed, offset] = counter.get();
    // A thread draws one block of four numbers; the first and the last one may be needed in part.
    const std::uint64_t first = offset / fragment;
    const Size blocks = Size((offset + std::uint64_t(n) - 1) / fragment - first) + 1;
    for_each_element(blocks, [&](Size b) {
        std::uint32_t word[fragment][1];
        philox(word, first + std::uint64_t(b), seed);
        const Size begin = Size((first + std::uint64_t(b)) * fragment - offset), left = n - begin;
        const auto keep = [&](int w, T v) { return word[w][0] >= threshold ? v * scale : T(0); };
        if (begin >= 0 && left >= fragment) {
            T v[fragment];
            load(x + begin, v, fragment);
            for (int w = 0; w < fragment; ++w) v[w] = keep(w, v[w]);
            store(y + begin, v, fragment);
        } else {
            for (int w = 0; w < fragment; ++w)
                if (begin + w >= 0 && w < left) y[begin + w] = keep(w, x[begin + w]);
        }
    });
}

} // namespace

template <class T> void activation_forward(T* y, const T* x, Size n, const BoundActivation& f) {
    const Kernels<T>& k = kernels_for<T>(f);
    constexpr Size per = pack_size<T>;
    const Size packs = are_aligned(y, x) ? n / per : 0;
    if (packs) launch(k.forward_packed, grid_for(packs), block_threads, 0, y, x, packs, f);
    const Size done = packs * per;
    launch(k.forward, grid_for(n - done), block_threads, 0, y + done, x + done, n - done, f);
}

template <class T> void activation_backward(T* dx, const T* dy, const T* saved, Size n, const BoundActivation& f) {
    const Kernels<T>& k = kernels_for<T>(f);
    const bool output = f.reads == Reads::output;
    constexpr Size per = pack_size<T>;
    const Size packs = are_aligned(dx, dy, saved) ? n / per : 0;
    if (packs)
        launch(output ? k.output_packed : k.input_packed, grid_for(packs), block_threads, 0, dx, dy, saved, packs, f);
    const Size done = packs * per;
    launch(output ? k.output : k.input, grid_for(n - done), block_threads, 0, dx + done, dy + done, saved + done,
           n - done, f);
}

template <class T>
void prelu_forward(T* y, const T* x, const T* a, Size outer, Size channels, Size inner, bool shared) {
    const Size n = outer * channels * inner;
    launch(prelu_forward_kernel<T>, grid_for(n), block_threads, 0, y, x, a, n, channels, inner, shared);
}
template <class T> void prelu_backward(T* dx, T* da, const T* dy, const T* x, const T* a, Size outer, Size channels,
                                       Size inner, bool shared) {
    const Size n = outer * channels * inner;
    if (dx) launch(prelu_dx_kernel<T>, grid_for(n), block_threads, 0, dx, dy, x, a, n, channels, inner, shared);
    if (!da) return;
    const Size slopes = shared ? 1 : channels, count = slopes ? n / slopes : 0, parts = blocks_for(count, slope_block);
    reserve(std::size_t(slopes * parts) * sizeof(double) + 256);
    double* const sums = scratch_of<double>(slopes * parts);
    launch(prelu_da_parts<T>, dim3(unsigned(slopes * parts)), block_threads, 0, sums, dy, x, count, parts, channels,
           inner, shared);
    launch(prelu_da_kernel<T>, dim3(unsigned(slopes)), block_threads, 0, da, sums, parts);
}

template <class T> void dropout(T* y, const T* x, Size n, double p, const RandomCounter& counter) {
    if (n == 0) return;
    const std::uint64_t threshold = std::uint64_t(p * 4294967296.0);
    const T scale = p < 1 ? T(1 / (1 - p)) : T(0);
    launch(dropout_kernel<T>, grid_for(n / fragment + 2), block_threads, 0, y, x, n, scale, threshold, latest(counter));
}

#define FASTGRAD_INSTANTIATE(T)                                                                                        \
    template void activation_forward(T*, const T*, Size, const BoundActivation&);                                      \
    template void activation_backward(T*, const T*, const T*, Size, const BoundActivation&);                           \
    template void prelu_forward(T*, const T*, const T*, Size, Size, Size, bool);                                       \
    template void prelu_backward(T*, T*, const T*, const T*, const T*, Size, Size, Size, bool);                        \
    template void dropout(T*, const T*, Size, double, const RandomCounter&);
FASTGRAD_INSTANTIATE(float)
FASTGRAD_INSTANTIATE(double)

} // namespace fastgrad::cuda
