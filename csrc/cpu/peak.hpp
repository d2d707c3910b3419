// The limit that benchmarks quote: FLOP/s that one thread reaches when nothing but fma runs.
#pragma once

#include <ctime>

#include "simd.hpp"

namespace fastgrad::FASTGRAD_SET {

inline double seconds_now() {
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return double(t.tv_sec) + 1e-9 * double(t.tv_nsec);
}

template <class T> double fma_peak(double seconds) {
    using V = Vec<T>;
    constexpr int chains = vector_registers == 32 ? 24 : 12; // enough to hide the latency, few enough for the registers
    constexpr int steps = 20000;
    V acc[chains];
    for (int i = 0; i < chains; ++i) acc[i] = V(1.0 + i);
    const V factor = 0.999, term = 0.001;
    constexpr int most = 4096;
    double rates[most];
    int count = 0;
    const double start = seconds_now();
    for (double t0 = start; count < most && (count == 0 || t0 - start < seconds); t0 = seconds_now()) {
        for (int s = 0; s < steps; ++s)
#pragma GCC unroll 24
            for (int i = 0; i < chains; ++i) acc[i] = fma(acc[i], factor, term);
        const double rate = 2.0 * steps * chains * V::lanes / (seconds_now() - t0);
        int at = count++; // kept in order: the median is asked for
        for (; at > 0 && rates[at - 1] > rate; --at) rates[at] = rates[at - 1];
        rates[at] = rate;
    }
    V total = 0.0;
    for (int i = 0; i < chains; ++i) total = total + acc[i];
    volatile T sink = sum(total); // keeps the loop
    (void)sink;
    return rates[count / 2];
}

} // namespace fastgrad::FASTGRAD_SET
