// The sums of the columns of a matrix, each handed to `epilogue(column, sum)`, in an order that depends on nothing but
// the sizes.
#pragma once

#include "grid.hpp"

namespace fastgrad::cuda {

constexpr int sum_columns = 32,
              sum_turns = 8;   // of a block: a warp goes over the columns, warps take turns over the rows
constexpr Size sum_rows = 512; // of a block

// The sum of column j over rows [begin, end), for the first warp.
template <class T> __device__ T column_sum(const T* a, Size begin, Size end, Size n, Size j) {
    __shared__ T part[sum_turns][sum_columns];
    const int turn = int(threadIdx.x) / sum_columns, lane = int(threadIdx.x) % sum_columns;
    T sum = 0;
    if (j < n)
        for (Size i = begin + turn; i < end; i += sum_turns) sum += a[i * n + j];
    part[turn][lane] = sum;
    __syncthreads();
    if (turn == 0)
        for (int t = 1; t < sum_turns; ++t) sum += part[t][lane];
    return sum;
}

// Of the rows of one block.
template <class T> __global__ void partial_column_sums(T* to, const T* a, Size m, Size n) {
    const unsigned across = unsigned((n + sum_columns - 1) / sum_columns);
    const Size part = blockIdx.x / across, begin = part * sum_rows;
    const Size j = Size(blockIdx.x % across) * sum_columns + threadIdx.x % sum_columns;
    const T sum = column_sum(a, begin, begin + sum_rows < m ? begin + sum_rows : m, n, j);
    if (threadIdx.x < sum_columns && j < n) to[part * n + j] = sum;
}
template <class T, class Epilogue> __global__ void last_column_sums(const T* a, Size m, Size n, Epilogue epilogue) {
    const Size j = Size(blockIdx.x) * sum_columns + threadIdx.x % sum_columns;
    const T sum = column_sum(a, 0, m, n, j);
    if (threadIdx.x < sum_columns && j < n) epilogue(j, sum);
}

// Scratch memory that column_sums takes.
template <class T> std::size_t room_for_column_sums(Size m, Size n) {
    return m > sum_rows ? std::size_t(blocks_for(m, sum_rows)) * std::size_t(n) * sizeof(T) + 256 : 0;
}

template <class T, class Epilogue> void column_sums(const T* a, Size m, Size n, Epilogue epilogue) {
    constexpr int threads = sum_columns * sum_turns;
    if (m > sum_rows) {
        const unsigned parts = blocks_for(m, sum_rows);
        T* sums = scratch_of<T>(Size(parts) * n);
        launch(partial_column_sums<T>, dim3(blocks_for(n, sum_columns) * parts), threads, 0, sums, a, m, n);
        a = sums, m = Size(parts);
    }
    launch(last_column_sums<T, Epilogue>, dim3(blocks_for(n, sum_columns)), threads, 0, a, m, n, epilogue);
}

template <class T> struct StoreSum {
    T* to;
    __device__ void operator()(Size j, T sum) const { to[j] = sum; }
};

} // namespace fastgrad::cuda
