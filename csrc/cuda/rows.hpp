// Rows that a warp, or a block if they are long, goes over together.
#pragma once

#include "activate.hpp"

namespace fastgrad::cuda {

constexpr int row_block = 256;
constexpr Size long_row = 1024; // from here on a block works on a row

// The threads that share a row: 32 or all 256 of the block.
template <int threads> struct RowTeam {
    int rank; // of this thread within the team

    __device__ RowTeam() : rank(int(threadIdx.x) % threads) {}
    static __device__ Size first_row() { return Size(blockIdx.x) * (row_block / threads) + threadIdx.x / threads; }
    template <class T, class Join> __device__ T all(T x, Join join, T neutral) const {
        if constexpr (threads == 32) {
            return over_warp(x, join);
        } else {
            __shared__ T room[row_block / 32];
            return over_block(x, join, room, neutral);
        }
    }
    // The sum of body(j) over a row of n numbers.
    template <class T, class Body> __device__ T sum(Size n, Body body) const {
        T total = 0;
        for (Size j = rank; j < n; j += threads) total += body(j);
        return all(total, Add(), T(0));
    }
    template <class T> __device__ T largest(const T* x, Size n) const {
        T best = T(-__builtin_inf());
        for (Size j = rank; j < n; j += threads) best = x[j] > best ? x[j] : best; // NaN comes back through the sum
        return all(best, Larger(), best);
    }
    template <class Body> __device__ void each(Size n, Body body) const {
        for (Size j = rank; j < n; j += threads) body(j);
    }
};

// Starts kernel<32> or kernel<256>, whichever suits rows of `columns` numbers.
template <class Short, class Long, class... A>
void launch_rows(Short* short_rows, Long* long_rows, Size rows, Size columns, A... arguments) {
    if (columns < long_row) launch(short_rows, dim3(blocks_for(rows, row_block / 32)), row_block, 0, arguments...);
    else launch(long_rows, dim3(unsigned(rows)), row_block, 0, arguments...);
}

} // namespace fastgrad::cuda
