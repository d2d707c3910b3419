// The gradient of an embedding: rows of dy added up by the number of their row, in the order in which they come.
#include "grid.hpp"
#include "sort.hpp"

namespace fastgrad::cuda {
namespace {

// Below both, sorting takes longer.
constexpr double few_comparisons = 1 << 24;
constexpr Size short_index = 4096;

// A thread for each element of dw goes over the whole index.
template <class T> __global__ void look_through_kernel(T* dw, const T* dy, const std::int64_t* index, Size n, Size rows,
                                                       Size columns, std::int64_t padding_idx) {
    for_each_element(rows * columns, [&](Size at) {
        const Size row = at / columns, column = at % columns;
        T sum = 0;
        if (row != padding_idx)
            for (Size i = 0; i < n; ++i)
                if (index[i] == row) sum += dy[i * columns + column];
        dw[at] = sum;
    });
}

// The same sums, from an index in order: the thread where a row's numbers begin adds up all of them.
template <class T> __global__ void add_groups_kernel(T* dw, const T* dy, Sorted by_row, Size n, Size rows, Size columns,
                                                     std::int64_t padding_idx) {
    for_each_element(n * columns, [&](Size at) {
        const Size begin = at / columns, column = at % columns;
        const std::int64_t row = by_row.keys[begin];
        const bool is_first = begin == 0 || by_row.keys[begin - 1] != row;
        if (!is_first || row < 0 || row >= rows || row == padding_idx) return; // the check has found what is not there
        T sum = 0;
        for (Size i = begin; i < n && by_row.keys[i] == row; ++i) sum += dy[by_row.positions[i] * columns + column];
        dw[row * columns + column] = sum;
    });
}

} // namespace

template <class T> void embedding_backward(T* dw, const T* dy, const std::int64_t* index, Size n, Size rows,
                                           Size columns, std::int64_t padding_idx) {
    if (n < short_index && double(n) * double(rows) * double(columns) < few_comparisons) {
        launch(look_through_kernel<T>, grid_for(rows * columns), block_threads, 0, dw, dy, index, n, rows, columns,
               padding_idx);
        return;
    }
    const Sorted by_row = sort(index, n, rows);
    check(cudaMemsetAsync(dw, 0, std::size_t(rows * columns) * sizeof(T), call.stream));
    launch(add_groups_kernel<T>, grid_for(n * columns), block_threads, 0, dw, dy, by_row, n, rows, columns,
           padding_idx);
}
template void embedding_backward(float*, const float*, const std::int64_t*, Size, Size, Size, std::int64_t);
template void embedding_backward(double*, const double*, const std::int64_t*, Size, Size, Size, std::int64_t);

} // namespace fastgrad::cuda
