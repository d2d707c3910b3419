// NVIDIA's library of matrix products, cuBLAS: looked for when CUDA is first used, and done without where it is not.
#pragma once

#include <string>

#include "../fastgrad/kernels.hpp"

namespace fastgrad::cuda {

// Loads the library from a file; false if there is none, or one that lacks a function.
bool load_library(const std::string& file);
bool has_library();

// y (m, n), row by row, = a (m, k) b (k, n), on the stream of the call; false if the library cannot take the factors as
// they lie in memory.
bool library_product(Precision precision, Size m, Size n, Size k, View<float> a, View<float> b, float* y);

// Whether the library is to make a product: as it was told, or as it has turned out for products of this kind.
// `is_plain`: nothing remains to be done with the result.
bool uses_library(Precision precision, Size m, Size n, Size k, View<float> a, View<float> b, bool is_plain);

// Scratch memory for a product that has no place of its own.
inline std::size_t room_for_library(Size m, Size n) {
    return has_library() ? std::size_t(m * n) * sizeof(float) + 256 : 0;
}

} // namespace fastgrad::cuda
