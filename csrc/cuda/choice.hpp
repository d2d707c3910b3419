// Which kernel makes a product, the library's or our own, and what the choice was made by.
#pragma once

#include <string>
#include <vector>

#include "library.hpp"

namespace fastgrad::cuda {

enum class Kernels { fastest, own, library };
void set_kernels(Kernels kernels);
Kernels kernels_of_products();

// A kind of product that was met: its sizes and layouts, the seconds that each took, and which one is used.
struct Measured {
    Precision precision;
    Size m, n, k;
    bool a_in_columns, b_in_columns, is_plain;
    double own, library;
};
std::vector<Measured> measured_products();

} // namespace fastgrad::cuda
