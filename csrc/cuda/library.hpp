// NVIDIA's library of matrix products, cuBLAS: looked for when CUDA is first used, and done without where it is not.
#pragma once

#include <stdexcept>
#include <string>

#include "../fastgrad/kernels.hpp"

namespace fastgrad::cuda {

struct LibraryError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Loads the library from a file; false if there is none, or one that lacks a function.
bool load_library(const std::string& file);
bool has_library();

// Whether the library is there and can make a product of factors that lie in memory as these do.
bool library_takes(const Matmul<float>& p);
// Makes it, on the stream of the call; room_for_library of scratch memory has to be reserved.
void library_product(const Matmul<float>& p);
std::size_t room_for_library(const Matmul<float>& p);
void prepare_library(); // for the current device; otherwise it is done when it is first used

} // namespace fastgrad::cuda
