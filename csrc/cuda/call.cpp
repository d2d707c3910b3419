// What the calls of kernels share: the stream, scratch memory, and what kernels have found.
#include "launch.hpp"

#include <map>
#include <mutex>
#include <utility>

namespace fastgrad::cuda {

thread_local Call call;

namespace {

struct Block {
    char* memory = nullptr;
    std::size_t size = 0, used = 0;
};

int current_device() {
    int device = 0;
    check(cudaGetDevice(&device));
    return device;
}

Block& block_of_stream() {
    static std::mutex mutex;
    static auto& blocks = *new std::map<std::pair<int, cudaStream_t>, Block>; // for good: streams outlive destructors
    const std::lock_guard lock(mutex);
    return blocks[{current_device(), call.stream}];
}

constexpr std::size_t up(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

} // namespace

void reserve(std::size_t bytes) {
    Block& block = block_of_stream();
    block.used = 0;
    if (bytes <= block.size) return;
    if (block.memory) check(cudaFree(block.memory)); // waits for whoever uses it
    block = {};
    void* memory = nullptr;
    check(cudaMalloc(&memory, up(bytes, 1 << 20)));
    block = {static_cast<char*>(memory), up(bytes, 1 << 20), 0};
}

void* scratch(std::size_t bytes) {
    Block& block = block_of_stream();
    const std::size_t begin = block.used;
    if (begin + bytes > block.size) throw std::logic_error(std::string(call.kernel) + "(): more scratch than reserved");
    block.used = begin + up(bytes, 256);
    return block.memory + begin;
}

int multiprocessors() {
    static thread_local int device = -1, count = 0;
    if (const int now = current_device(); now != device) {
        check(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, now));
        device = now;
    }
    return count;
}

Finding* findings() {
    static Finding* const shared = [] {
        void* memory = nullptr;
        check(cudaHostAlloc(&memory, sizeof(Finding), cudaHostAllocMapped | cudaHostAllocPortable));
        return new (memory) Finding{};
    }();
    return shared;
}
Finding* findings_on_device() {
    void* device = nullptr;
    check(cudaHostGetDevicePointer(&device, findings(), 0));
    return static_cast<Finding*>(device);
}

} // namespace fastgrad::cuda
