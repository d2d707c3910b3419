// Which kernel makes a product, the library's or our own, and what the choice was made by.
#pragma once

#include <vector>

#include "library.hpp"

namespace fastgrad::cuda {

enum class Kernels { fastest, own, library };
void set_kernels(Kernels kernels);
Kernels kernels_of_products();

// Whether the library is to make a product: as it was told, or as it has turned out for products of this kind.
bool uses_library(const Matmul<float>& p);

// A kind of product that was met: its sizes and layouts, the seconds that each took, and those of another kernel that
// does what is left to do with the library's result.
struct Measured {
    Precision precision;
    Size batch, m, n, k;
    bool a_in_columns, b_in_columns;
    double own, library, finish;
    // Whether or not something is left to do in this call: an eager step and a recorded one must choose alike.
    bool is_library_faster() const { return library + finish < own; }
};
std::vector<Measured> measured_products();

} // namespace fastgrad::cuda
