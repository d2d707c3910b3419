// Copies between arrays of any layout, and of rows in a given order: whatever the dtype.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fastgrad {

using Size = std::ptrdiff_t;

struct StridedCopy {
    char* to;
    const char* from;
    Size item;
    std::vector<Size> shape, to_strides, from_strides; // in bytes; the last axis is the one `to` is densest in
    template <class Visit> void each_pointer(const Visit& visit) { visit(&to), visit(&from); }
};
void run_copy(const StridedCopy&);

// to[r] = from[rows[r]] for r < count and rows of `bytes`; `from` has `most` rows
void gather(char* to, const char* from, const std::int64_t* rows, Size count, std::size_t bytes, Size most);

} // namespace fastgrad
