// The gradient of an embedding: row index[i] of dw is the sum of the rows i of dy that looked it up.
#pragma once

#include "split.hpp"

namespace fastgrad::FASTGRAD_SET {

template <class T> void embedding_backward(T* dw, const T* dy, const std::int64_t* index, Size n, Size rows,
                                           Size columns, std::int64_t padding_idx) {
    const int tasks = tasks_for(double(n + rows) * double(columns) * 0.3);
    parallel_for(tasks, [&](int task) { // by columns: the order of the sums does not depend on the threads
        const Piece s = piece(columns, tasks, task, Vec<T>::lanes);
        const Size some = s.end - s.begin;
        for (Size i = 0; i < rows; ++i)
            for_each_vector<T>(some, [&](Size j, auto io)
                                         FG_INLINE_CALL { io.store(dw + i * columns + s.begin + j, Vec<T>(0.0)); });
        for (Size i = 0; i < n; ++i) {
            if (index[i] == padding_idx) continue;
            T* to = dw + index[i] * columns + s.begin;
            const T* from = dy + i * columns + s.begin;
            for_each_vector<T>(some, [&](Size j, auto io)
                                         FG_INLINE_CALL { io.store(to + j, io.load(to + j) + io.load(from + j)); });
        }
    });
}

} // namespace fastgrad::FASTGRAD_SET
