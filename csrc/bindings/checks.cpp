// The checks of values on the processor.
#include "checks.hpp"

#include "errors.hpp"

namespace fastgrad {

void check_rows(const char* kernel, const std::int64_t* index, Size n, Size rows) {
    for (Size i = 0; i < n; ++i)
        if (index[i] < 0 || index[i] >= rows)
            bad_index(kernel, "index", std::to_string(index[i]) + " at position " + std::to_string(i),
                      "numbers from 0 to " + std::to_string(rows - 1));
}

void check_classes(const char* kernel, const std::int64_t* t, Size n, Size classes, std::int64_t ignore_index) {
    for (Size i = 0; i < n; ++i)
        if ((t[i] < 0 || t[i] >= classes) && t[i] != ignore_index)
            bad_index(kernel, "target", std::to_string(t[i]) + " at position " + std::to_string(i),
                      "a class from 0 to " + std::to_string(classes - 1) +
                          " or ignore_index = " + std::to_string(ignore_index));
}

template <class T> void check_probabilities(const char* name, const char* argument, const T* p, Size n) {
    for (Size i = 0; i < n; ++i)
        if (p[i] < 0 || p[i] > 1)
            bad_value(name, argument, number_text(double(p[i])) + " at position " + std::to_string(i),
                      "numbers from 0 to 1");
}

template void check_probabilities(const char*, const char*, const float*, Size);
template void check_probabilities(const char*, const char*, const double*, Size);

} // namespace fastgrad
