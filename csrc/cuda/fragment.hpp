// A few neighbours in memory, read and written at once where they can be.
#pragma once

#include <cstring>

#include "grid.hpp"

namespace fastgrad::cuda {

constexpr int fragment = 4; // neighbours that a thread reads, computes and stores together

// One fragment that begins at a multiple of 16 bytes.
template <class T> __device__ __forceinline__ void load_fragment(T* values, const T* from) {
    constexpr int per = pack_size<T>;
#pragma unroll
    for (int i = 0; i < fragment; i += per) {
        const auto p = *reinterpret_cast<const Pack<T, per>*>(from + i);
#pragma unroll
        for (int l = 0; l < per; ++l) values[i + l] = p.v[l];
    }
}
// In shared memory: elsewhere the compiler may store the numbers one by one.
template <class T> __device__ __forceinline__ void store_fragment(T* to, const T* values) {
    constexpr int per = pack_size<T>;
#pragma unroll
    for (int i = 0; i < fragment; i += per) {
        Pack<T, per> p;
#pragma unroll
        for (int l = 0; l < per; ++l) p.v[l] = values[i + l];
        *reinterpret_cast<Pack<T, per>*>(to + i) = p;
    }
}

// A store of 16 bytes that stays one, to memory of any kind.
#ifdef __CUDACC__
__device__ __forceinline__ void store_pack(float* to, const float* v) {
    asm volatile("st.v4.f32 [%0], {%1, %2, %3, %4};" ::"l"(to), "f"(v[0]), "f"(v[1]), "f"(v[2]), "f"(v[3]) : "memory");
}
__device__ __forceinline__ void store_pack(double* to, const double* v) {
    asm volatile("st.v2.f64 [%0], {%1, %2};" ::"l"(to), "d"(v[0]), "d"(v[1]) : "memory");
}
#else
template <class T> void store_pack(T* to, const T* v) { std::memcpy(to, v, 16); }
#endif

// Stores up to `fragment` neighbours, at once where they can be.
template <class T> __device__ __forceinline__ void store(T* to, const T* values, int count) {
    constexpr int per = pack_size<T>;
    if (count == fragment && are_aligned(to)) {
#pragma unroll
        for (int i = 0; i < fragment; i += per) store_pack(to + i, values + i);
    } else {
#pragma unroll
        for (int i = 0; i < fragment; ++i)
            if (i < count) to[i] = values[i];
    }
}
// Reads them; the rest is 0.
template <class T> __device__ __forceinline__ void load(const T* from, T (&values)[fragment], int count) {
    if (count == fragment && are_aligned(from)) {
        load_fragment(values, from);
    } else {
#pragma unroll
        for (int i = 0; i < fragment; ++i) values[i] = i < count ? from[i] : T(0);
    }
}

} // namespace fastgrad::cuda
