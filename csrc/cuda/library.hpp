// NVIDIA's library of matrix products, cuBLAS: looked for when CUDA is first used, and done without where it is not.
#pragma once

#include <string>

#include "../fastgrad/kernels.hpp"

namespace fastgrad::cuda {

// Loads the library from a file; false if there is none, or one that lacks a function.
bool load_library(const std::string& file);
bool has_library();

// Whether the library is there and can make a product of factors that lie in memory as these do.
bool library_takes(const Matmul<float>& p);
// Makes it, on the stream of the call; room_for_library of scratch memory has to be reserved.
void library_product(const Matmul<float>& p);
std::size_t room_for_library(const Matmul<float>& p);

} // namespace fastgrad::cuda
