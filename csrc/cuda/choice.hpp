// Which kernel makes a product, the library's or our own, and what the choice was made by.
#pragma once

#include <string>
#include <vector>

#include "library.hpp"

namespace fastgrad::cuda {

enum class Kernels { fastest, own, library };
void set_kernels(Kernels kernels);
Kernels kernels_of_products();

// A kind of product that was met: its sizes and layouts, the seconds that each took, and those of another kernel that
// does what is left to do with the library's result.
struct Measured {
    Precision precision;
    Size m, n, k;
    bool a_in_columns, b_in_columns;
    double own, library, finish;
    bool is_library_faster(bool is_plain) const {
        return library >= 0 && (is_plain ? library : library + finish) < own;
    }
};
std::vector<Measured> measured_products();

} // namespace fastgrad::cuda
