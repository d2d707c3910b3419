// What a block does with rows in shared memory: products with weights, activations, and sums over the rows.
#pragma once

#include "epilogues.hpp"
#include "resident_program.hpp"

namespace fastgrad::cuda {

// Memory of a block to shared memory, on its way until wait_for_copies().
template <class T> __device__ __forceinline__ void copy_later(T* to, const T* from) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    const auto place = unsigned(__cvta_generic_to_shared(to));
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2;" ::"r"(place), "l"(from), "n"(sizeof(T)) : "memory");
#else
    *to = *from;
#endif
}
__device__ __forceinline__ void wait_for_copies() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_all;" ::: "memory");
#endif
}

// body(r, j) for all r < rows and j < n, neighbours j by neighbouring threads.
template <class Body> __device__ __forceinline__ void for_each_in_rows(int rows, int n, Body body) {
    int bits = 0;
    while ((1 << bits) < n && bits < 7) ++bits;
    const int first = int(threadIdx.x) & ((1 << bits) - 1);
    for (int r = int(threadIdx.x) >> bits; r < rows; r += resident_threads >> bits)
        for (int j = first; j < n; j += 1 << bits) body(r, j);
}

// A step of k in a product: where a block has few rows, the next weights take longer to arrive than these are used.
template <int rows, int columns, class T> constexpr int tile_depth = rows > 16 ? (columns == 32 ? 32 : 16)
                                                                     : rows == 16 || sizeof(T) == 8 ? 32
                                                                                                    : 64;

// The way of w (n, k) into shared memory as [depth][columns], `depth` of its k at a time, like an Operand's, but with
// the lanes of a warp spread so that deep tiles are written without bank conflicts.
template <int columns, int depth, class T> struct Weights {
    static constexpr int each = columns * depth / fragment / resident_threads; // fragments of a thread
    static constexpr int stride = columns + fragment;
    static constexpr int numbers = depth * stride;
    static_assert(each * fragment * resident_threads == columns * depth);

    View<T> w; // from the first of the tile's columns on
    int n, k;
    bool along_n, is_packed;
    T held[each][fragment];

    __device__ __forceinline__ Weights(View<T> view, int first, int all_n, int all_k)
        : w{view.p + first * view.rows, view.rows, view.columns}, n(all_n - first), k(all_k), along_n(view.rows == 1) {
        const Size step = along_n ? w.columns : w.rows, beside = along_n ? w.rows : w.columns;
        is_packed = beside == 1 && step % fragment == 0 && are_aligned(w.p);
    }
    // Of fragment e, which runs along n or along k: there two lanes have neighbours, and 16 lanes those of n.
    __device__ __forceinline__ int n_of(int e) const {
        const int number = int(threadIdx.x) + e * resident_threads;
        return along_n ? number % (columns / fragment) * fragment : number / 2 % columns;
    }
    __device__ __forceinline__ int k_of(int e) const {
        const int number = int(threadIdx.x) + e * resident_threads;
        return along_n ? number / (columns / fragment) : (number / (2 * columns) * 2 + number % 2) * fragment;
    }
    __device__ __forceinline__ void fetch(int at) {
#pragma unroll
        for (int e = 0; e < each; ++e) {
            const int i = n_of(e), l = at + k_of(e), left = along_n ? n - i : k - l;
            const bool is_inside = i < n && l < k;
            const T* from = w.p + i * w.rows + l * w.columns;
            if (is_packed && is_inside && left >= fragment) {
                load_fragment(held[e], from);
            } else {
                const Size step = along_n ? w.rows : w.columns;
#pragma unroll
                for (int q = 0; q < fragment; ++q) held[e][q] = is_inside && q < left ? from[q * step] : T(0);
            }
        }
    }
    __device__ __forceinline__ void put(T* tile) const {
#pragma unroll
        for (int e = 0; e < each; ++e) {
            T* to = tile + k_of(e) * stride + n_of(e);
            if (along_n) {
                store_fragment(to, held[e]);
            } else {
#pragma unroll
                for (int q = 0; q < fragment; ++q) to[q * stride] = held[e][q];
            }
        }
    }
};
template <int rows, class T> // for the largest of the products below
constexpr int tile_numbers = 2 * Weights<widest_layer, tile_depth<rows, widest_layer, T>, T>::numbers;

// to (rows, n) = from (rows, k) wᵀ + b, with w (n, k) anywhere in memory and passing through `tiles`. An element is one
// chain of fma over k in order, as in product_kernel. A thread makes `fragment` neighbours of each of its rows. Ends
// with a barrier for `tiles`, not for `to`.
template <int rows, int columns, class T>
__device__ __forceinline__ void multiply_rows(T* to, const T* from, T* tiles, View<T> w, const T* b, int n, int k) {
    constexpr int depth = tile_depth<rows, columns, T>;
    constexpr int warps_across = columns / 32, threads_down = resident_threads / (columns / fragment);
    constexpr int each = rows > threads_down ? rows / threads_down : 1; // rows of a thread, threads_down apart
    using Tile = Weights<columns, depth, T>;
    static_assert(2 * Tile::numbers <= tile_numbers<rows, T>);
    const int warp = int(threadIdx.x) / 32, lane = int(threadIdx.x) % 32;
    const int column = warp % warps_across * 32 + lane % 8 * fragment; // a warp has 4 rows and 32 columns at a time
    const int row = warp / warps_across * 4 + lane / 8;
    const int from_stride = row_stride(k), to_stride = row_stride(n);
    const bool has_rows = row < rows;
    from += (has_rows ? row : 0) * from_stride;
    for (int begin = 0; begin < n; begin += columns) {
        Tile weights(w, begin, n, k);
        const bool has_work = has_rows && begin + warp % warps_across * 32 < n; // the same for all of a warp
        T sum[each][fragment] = {};
        weights.fetch(0);
        weights.put(tiles);
        __syncthreads();
        for (int at = 0, now = 0; at < k; at += depth, now ^= 1) {
            const bool more = at + depth < k;
            if (more) weights.fetch(at + depth);
            const T *x_at = from + at, *tile = tiles + now * Tile::numbers + column;
            const auto add = [&](int l) {
                T x[each][fragment];
#pragma unroll
                for (int e = 0; e < each; ++e) load_fragment(x[e], x_at + e * threads_down * from_stride + l);
#pragma unroll
                for (int i = 0; i < fragment; ++i) {
                    T y[fragment];
                    load_fragment(y, tile + (l + i) * Tile::stride);
#pragma unroll
                    for (int e = 0; e < each; ++e)
#pragma unroll
                        for (int j = 0; j < fragment; ++j)
                            sum[e][j] = fma(Vec<T>(x[e][i]), Vec<T>(y[j]), Vec<T>(sum[e][j])).v;
                }
            };
            if (has_work && at + depth <= k) {
#pragma unroll
                for (int l = 0; l < depth; l += fragment) add(l);
            } else if (has_work) { // beyond k both are 0 up to the next fragment
#pragma unroll 1
                for (int l = 0; at + l < k; l += fragment) add(l);
            }
            if (more) weights.put(tiles + (now ^ 1) * Tile::numbers); // nobody reads that one any more
            __syncthreads();
        }
        const int first = begin + column;
        if (!has_rows || first >= n) continue;
        T bias[fragment] = {};
#pragma unroll
        for (int j = 0; j < fragment; ++j)
            if (b && first + j < n) bias[j] = b[first + j];
#pragma unroll
        for (int e = 0; e < each; ++e) {
#pragma unroll
            for (int j = 0; j < fragment; ++j) sum[e][j] = first + j < n ? (b ? sum[e][j] + bias[j] : sum[e][j]) : T(0);
            store_fragment(to + (row + e * threads_down) * to_stride + first, sum[e]);
        }
    }
}

// sum (outer, inner) = the sum over rows of left (rows, outer)ᵀ right (rows, inner), or that is added. A warp makes
// tiles of 32 by 32, a thread two fragments of rows of them.
template <class T> __device__ __forceinline__ void sum_products(T* sum, bool adds, const T* left, const T* right,
                                                                int rows, int outer, int inner) {
    const int warp = int(threadIdx.x) / 32, lane = int(threadIdx.x) % 32, across = (inner + 31) / 32;
    const int left_stride = row_stride(outer), right_stride = row_stride(inner);
    for (int tile = warp; tile < (outer + 31) / 32 * across; tile += resident_threads / 32) {
        const int i = tile / across * 32 + lane / 8 * fragment, j = tile % across * 32 + lane % 8 * fragment;
        const T* a = left + (i < outer ? i : 0); // what lies beyond is read, and not used
        const T* a_below = left + (i + 16 < outer ? i + 16 : 0);
        const T* b = right + (j < inner ? j : 0);
        T made[2][fragment][fragment] = {};
#pragma unroll 4
        for (int r = 0; r < rows; ++r, a += left_stride, a_below += left_stride, b += right_stride) {
            T x[2][fragment], y[fragment];
            load_fragment(x[0], a), load_fragment(x[1], a_below), load_fragment(y, b);
#pragma unroll
            for (int d = 0; d < 2; ++d)
#pragma unroll
                for (int p = 0; p < fragment; ++p)
#pragma unroll
                    for (int q = 0; q < fragment; ++q)
                        made[d][p][q] = fma(Vec<T>(x[d][p]), Vec<T>(y[q]), Vec<T>(made[d][p][q])).v;
        }
        const int count = inner - j < fragment ? inner - j : fragment;
#pragma unroll
        for (int d = 0; d < 2; ++d)
#pragma unroll
            for (int p = 0; p < fragment; ++p) {
                const int line = i + d * 16 + p;
                if (line >= outer || count <= 0) continue;
                T* to = sum + Size(line) * inner + j;
                if (adds) {
                    T before[fragment];
                    load(to, before, count);
#pragma unroll
                    for (int q = 0; q < fragment; ++q) made[d][p][q] += before[q];
                }
                store(to, made[d][p], count);
            }
    }
}

// sum (n) = the sums of the columns of x (rows, n), or those are added: by the last warps, as few products of
// sum_products() leave them free.
template <class T> __device__ __forceinline__ void sum_columns(T* sum, bool adds, const T* x, int rows, int n) {
    for (int j = resident_threads - 1 - int(threadIdx.x); j < n; j += resident_threads) {
        T total = adds ? sum[j] : T(0);
#pragma unroll 8
        for (int r = 0; r < rows; ++r) total += x[r * row_stride(n) + j];
        sum[j] = total;
    }
}

// to = each(from, i), where it also gets the numbers of the elements, both (rows, n): `fragment` neighbours at a time,
// which do not wait for each other. What lies beyond n becomes 0.
template <class T, class Each>
__device__ __forceinline__ void map_rows(T* to, const T* from, int rows, int n, Each each) {
    for_each_in_rows(rows, padded(n) / fragment, [&](int r, int q) {
        const int at = r * row_stride(n) + q * fragment;
        T x[fragment];
        load_fragment(x, from + at);
        each(x, at);
#pragma unroll
        for (int j = 0; j < fragment; ++j)
            if (q * fragment + j >= n) x[j] = 0;
        store_fragment(to + at, x);
    });
}

// to = f(from), both (rows, n); number -1 copies. One function for each dtype, in which every activation has a loop of
// its own.
template <class T>
__device__ __attribute__((noinline)) void activate_rows(T* to, const T* from, int rows, int n, BoundActivation f) {
    const auto with = [&]<class A>(A) {
        map_rows(to, from, rows, n, [&](T(&x)[fragment], int) {
#pragma unroll
            for (int j = 0; j < fragment; ++j) x[j] = forward_of<A, T>(x[j], f).v;
        });
    };
    int index = 0;
#define FASTGRAD_CASE(A)                                                                                               \
    if (f.index == index++) return with(A());
    FASTGRAD_ACTIVATIONS(FASTGRAD_CASE)
#undef FASTGRAD_CASE
    map_rows(to, from, rows, n, [](T(&)[fragment], int) {});
}

// dx = dx f'(saved), both (rows, n).
template <class A, Reads reads, class T>
__device__ __forceinline__ void derive_rows_of(T* dx, const T* saved, int rows, int n, const BoundActivation& f) {
    map_rows(dx, dx, rows, n, [&](T(&x)[fragment], int at) {
        T s[fragment];
        load_fragment(s, saved + at);
#pragma unroll
        for (int j = 0; j < fragment; ++j) x[j] = backward_of<A, reads, T>(x[j], s[j], f).v;
    });
}
template <class T>
__device__ __attribute__((noinline)) void derive_rows(T* dx, const T* saved, int rows, int n, BoundActivation f) {
    const auto with = [&]<class A>(A) {
        if constexpr (requires(Vec<T> v, Parameters<Vec<T>> p) { A::from_output(v, p); })
            if (f.reads == Reads::output) derive_rows_of<A, Reads::output>(dx, saved, rows, n, f);
        if constexpr (requires(Vec<T> v, Parameters<Vec<T>> p) { A::from_input(v, p); })
            if (f.reads == Reads::input) derive_rows_of<A, Reads::input>(dx, saved, rows, n, f);
    };
    int index = 0;
#define FASTGRAD_CASE(A)                                                                                               \
    if (f.index == index++) return with(A());
    FASTGRAD_ACTIVATIONS(FASTGRAD_CASE)
#undef FASTGRAD_CASE
}

} // namespace fastgrad::cuda
