// Checks of values, which go with a kernel and come before it: on the processor they throw, on a GPU they leave a mark
// that becomes an exception when somebody waits for the GPU.
#pragma once

#include <cstdint>

#include "../fastgrad/kernels.hpp"

namespace fastgrad {

// Numbers of rows: from 0 to `rows` - 1.
void check_rows(const char* kernel, const std::int64_t* index, Size n, Size rows);
// Classes: from 0 to `classes` - 1, or ignore_index.
void check_classes(const char* kernel, const std::int64_t* target, Size n, Size classes, std::int64_t ignore_index);
template <class T> void check_probabilities(const char* kernel, const char* argument, const T* p, Size n);

} // namespace fastgrad
