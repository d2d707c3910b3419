// What the calls of kernels share: the stream, scratch memory, and what kernels have found.
#include "launch.hpp"

#include <map>
#include <mutex>
#include <utility>

namespace fastgrad::cuda {

thread_local Call call;

namespace {

int current_device() {
    int device = 0;
    check(cudaGetDevice(&device));
    return device;
}

Scratch& scratch_of_call() {
    if (call.scratch) return *call.scratch;
    static std::mutex mutex;
    static auto& all = *new std::map<std::pair<int, cudaStream_t>, Scratch>; // for good: streams outlive destructors
    const std::lock_guard lock(mutex);
    return all.try_emplace({current_device(), call.stream}, false).first->second;
}

} // namespace

Scratch::~Scratch() {
    for (char* block : blocks_) cudaFree(block);
    cudaFree(for_library_);
}

void Scratch::reserve(std::size_t bytes) {
    used_ = 0;
    if (bytes <= size_) return;
    if (!keeps_all_ && !blocks_.empty()) {
        check(cudaFree(blocks_.back())); // waits for whoever uses it
        blocks_.pop_back(), size_ = 0;
    }
    void* memory = nullptr;
    check(cudaMalloc(&memory, up(bytes, 1 << 20)));
    blocks_.push_back(static_cast<char*>(memory)), size_ = up(bytes, 1 << 20);
}

void* Scratch::take(std::size_t bytes) {
    const std::size_t begin = used_;
    if (begin + bytes > size_) throw std::logic_error(std::string(call.kernel) + "(): more scratch than reserved");
    used_ = begin + up(bytes, 256);
    return blocks_.back() + begin;
}

void* Scratch::for_library() {
    if (!for_library_) check(cudaMalloc(&for_library_, library_workspace_bytes));
    return for_library_;
}

void reserve(std::size_t bytes) { scratch_of_call().reserve(bytes); }
void* scratch(std::size_t bytes) { return scratch_of_call().take(bytes); }

void* library_workspace() { return scratch_of_call().for_library(); }

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
