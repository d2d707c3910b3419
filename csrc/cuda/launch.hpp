// Kernels and memory on the current stream; whatever CUDA reports becomes an exception that names the kernel.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

#include <cuda_runtime.h>

#include "../fastgrad/kernels.hpp"

namespace fastgrad::cuda {

// What the kernels of one call run on, and what they are called.
struct Call {
    const char* kernel = "";
    cudaStream_t stream = nullptr;
};
extern thread_local Call call;
void begin(const char* kernel, cudaStream_t stream);

inline void check(cudaError_t status) {
    if (status == cudaSuccess) return;
    cudaGetLastError(); // an error that does not stay is not reported twice
    throw std::runtime_error(std::string(call.kernel) + ": CUDA error: " + cudaGetErrorString(status));
}

// kernel(arguments...) on a grid of blocks, with `shared` bytes of memory for each block beside its static arrays.
template <class... P, class... A>
void launch(void (*kernel)(P...), dim3 blocks, dim3 threads, std::size_t shared, A... arguments) {
    if (blocks.x == 0 || blocks.y == 0 || blocks.z == 0) return;
    const auto run = [&](P... converted) {
        void* pointers[] = {&converted...};
        check(cudaLaunchKernel(kernel, blocks, threads, pointers, shared, call.stream));
    };
    run(P(arguments)...);
}

inline unsigned blocks_for(Size n, Size each) { return unsigned((n + each - 1) / each); }

// Memory for one call, which the next call on the stream overwrites: piece after piece, aligned to 256 bytes.
void* scratch(std::size_t bytes);
template <class T> T* scratch_of(Size n) { return static_cast<T*>(scratch(std::size_t(n) * sizeof(T))); }

int multiprocessors(); // of the current device

} // namespace fastgrad::cuda
