// What the calls of kernels share: the stream, scratch memory, and what kernels have found.
#include "launch.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <tuple>

namespace fastgrad::cuda {

thread_local Call call;

int current_device() {
    int device = 0;
    check(cudaGetDevice(&device));
    return device;
}

namespace {

// Of one stream of one device; threads may have a stream of their own under the same handle.
struct ScratchOfStream {
    unsigned long long stream = 0;
    std::unique_ptr<Scratch> scratch;
};
Scratch& scratch_of_call() {
    if (call.scratch) return *call.scratch;
    using Key = std::tuple<int, cudaStream_t, const void*>;
    static std::mutex mutex;
    static auto& all = *new std::map<Key, ScratchOfStream>; // for good: streams outlive destructors
    const std::lock_guard lock(mutex);
    auto& [id, scratch] = all[{current_device(), call.stream, call.stream == cudaStreamPerThread ? &call : nullptr}];
    const unsigned long long now = id_of(call.stream);
    if (!scratch || id != now) // that of a stream that is gone may still be in use: it is waited for
        scratch = nullptr, scratch = std::make_unique<Scratch>(false), id = now;
    return *scratch;
}

} // namespace

void (*give_back_memory)() = nullptr;

void* allocate(std::size_t bytes) {
    void* memory = nullptr;
    cudaError_t status = cudaMalloc(&memory, bytes);
    if (status == cudaErrorMemoryAllocation && give_back_memory) {
        cudaGetLastError();
        give_back_memory();
        status = cudaMalloc(&memory, bytes);
    }
    check(status);
    return memory;
}

void release(void* memory) noexcept {
    cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
    cudaThreadExchangeStreamCaptureMode(&mode);
    cudaFree(memory);
    cudaThreadExchangeStreamCaptureMode(&mode);
}

unsigned long long id_of(cudaStream_t stream) {
    unsigned long long id = 0;
    check(cudaStreamGetId(stream, &id));
    return id;
}

Scratch::~Scratch() {
    for (char* block : blocks_) release(block);
    release(for_library_);
}

void Scratch::reserve(std::size_t bytes) {
    used_ = 0;
    if (bytes <= size_) return;
    if (!keeps_all_ && !blocks_.empty()) {
        release(blocks_.back());
        blocks_.pop_back(), size_ = 0;
    }
    blocks_.push_back(static_cast<char*>(allocate(up(bytes, 1 << 20)))), size_ = up(bytes, 1 << 20);
}

void* Scratch::take(std::size_t bytes) {
    const std::size_t begin = used_;
    if (begin + bytes > size_) throw std::logic_error(std::string(call.kernel) + "(): more scratch than reserved");
    used_ = begin + up(bytes, 256);
    return blocks_.back() + begin;
}

void* Scratch::for_library() {
    if (!for_library_) for_library_ = allocate(library_workspace_bytes);
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
