// Kernels and memory on the current stream; whatever CUDA reports becomes an exception that names the kernel.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include <cuda_runtime.h>

#include "../fastgrad/kernels.hpp"

namespace fastgrad::cuda {

class Scratch;

// Where a graph keeps what its kernels read anew at every launch: the place on the GPU of each struct of options that a
// command has.
using OptionsOnDevice = std::map<const void*, const void*>;

// What the kernels of one call run on, and what they are called.
struct Call {
    const char* kernel = "";
    cudaStream_t stream = nullptr;
    Scratch* scratch = nullptr;               // of the graph that is being recorded; else the stream's is used
    const OptionsOnDevice* options = nullptr; // likewise; else kernels get options by value
};
extern thread_local Call call;
void begin(const char* kernel, cudaStream_t stream); // raises what kernels have found before

class OutOfMemory : public std::bad_alloc {
  public:
    explicit OutOfMemory(const std::string& text) : text_(text) {}
    const char* what() const noexcept override { return text_.c_str(); }

  private:
    std::string text_;
};

inline void check(cudaError_t status) {
    if (status == cudaSuccess) return;
    cudaGetLastError(); // an error that does not stay is not reported twice
    const std::string text = std::string(call.kernel) + "(): CUDA error: " + cudaGetErrorString(status);
    if (status == cudaErrorMemoryAllocation) throw OutOfMemory(text);
    throw std::runtime_error(text);
}

// Memory of the device. Where there is none left, cupy gives back what it keeps for later, by `give_back_memory`.
void* allocate(std::size_t bytes);
void release(void* memory) noexcept; // waits for whoever uses it; also while another stream is captured
extern void (*give_back_memory)();
// What no other stream ever has; handles are used again.
unsigned long long id_of(cudaStream_t stream);

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

// The next multiple of a unit.
constexpr std::size_t up(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

// Blocks for n pieces of work of which a block does `each`.
inline unsigned blocks_for(Size n, Size each) { return unsigned((n + each - 1) / each); }

// Options as a kernel gets them: by value, or in a graph, where they may change from launch to launch, by their place.
template <class Options> struct Latest {
    Options value;
    const Options* at;
#ifdef __CUDACC__
    __device__
#endif
        Options get() const {
        return at ? *at : value;
    }
};
template <class Options> Latest<Options> latest(const Options& options) {
    if (!call.options) return {options, nullptr};
    return {options, static_cast<const Options*>(call.options->at(&options))};
}

// Memory for one call, which the next call on the stream overwrites: first all of it is reserved, then taken piece
// after piece, each aligned to 256 bytes (count 256 bytes for each).
class Scratch {
  public:
    explicit Scratch(bool keeps_all) : keeps_all_(keeps_all) {}
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch();
    void reserve(std::size_t bytes);
    void* take(std::size_t bytes);
    void* for_library(); // made when it is first asked for

  private:
    const bool keeps_all_; // what has been given out stays valid: a graph's kernels have its addresses
    std::vector<char*> blocks_;
    std::size_t size_ = 0, used_ = 0; // of the last block
    void* for_library_ = nullptr;
};
void reserve(std::size_t bytes);
void* scratch(std::size_t bytes);
constexpr std::size_t library_workspace_bytes = 32 << 20; // what cuBLAS recommends for sm_90
void* library_workspace();
template <class T> T* scratch_of(Size n) { return static_cast<T*>(scratch(std::size_t(n) * sizeof(T))); }

int current_device();
int multiprocessors(); // of it

// A value that a kernel must not compute with, found on the GPU: the first one since the last look. In memory that both
// sides see.
struct Finding {
    enum Kind : int { nothing, half_written, row, target, probability };
    volatile int kind;
    const char *kernel, *argument;
    double value;
    Size position, limit;
    std::int64_t ignore_index;
};
Finding* findings();           // as the processor sees it
Finding* findings_on_device(); // as kernels see it

} // namespace fastgrad::cuda
