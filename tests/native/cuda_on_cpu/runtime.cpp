// The runtime behind cuda_runtime.h beside this file: fibers, and memory that is the processor's.
#include "cuda_runtime.h"

#include <chrono>
#include <csetjmp>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include <ucontext.h>

thread_local dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace cuda_on_cpu {
namespace {

constexpr std::size_t stack_bytes = 256 << 10;

enum class State { ready, at_block_barrier, at_warp_barrier, done };

struct Fiber {
    std::jmp_buf place; // where it goes on, once it has begun
    ucontext_t beginning;
    bool has_begun = false;
    std::unique_ptr<char[]> stack{new char[stack_bytes]};
    State state;
    dim3 index;
    std::uint64_t shown; // to the other lanes
};

struct Block {
    std::vector<std::unique_ptr<Fiber>> fibers;
    std::size_t count = 0, current = 0;
    std::jmp_buf scheduler;
    const std::function<void()>* thread = nullptr;
    std::vector<char> shared;
};
thread_local Block block;

int from_environment(const char* name, int otherwise) {
    const char* number = std::getenv(name);
    return number ? std::atoi(number) : otherwise;
}
thread_local std::mt19937 order{unsigned(from_environment("CUDA_ON_CPU_SEED", 0))};

// Switches go by setjmp, as swapcontext asks the system for the signals every time.
void leave(Fiber& fiber) {
    if (!_setjmp(fiber.place)) _longjmp(block.scheduler, 1);
}
void go_on(Fiber& fiber) {
    if (_setjmp(block.scheduler)) return;
    if (fiber.has_begun) _longjmp(fiber.place, 1);
    fiber.has_begun = true;
    setcontext(&fiber.beginning);
}

void wait(State state) {
    Fiber& fiber = *block.fibers[block.current];
    fiber.state = state;
    leave(fiber);
    threadIdx = fiber.index;
}

// One thread of one block after the other.
void live() {
    for (;;) {
        (*block.thread)();
        wait(State::done);
    }
}

std::unique_ptr<Fiber> new_fiber() {
    auto fiber = std::make_unique<Fiber>();
    getcontext(&fiber->beginning);
    fiber->beginning.uc_stack.ss_sp = fiber->stack.get();
    fiber->beginning.uc_stack.ss_size = stack_bytes;
    fiber->beginning.uc_link = nullptr;
    makecontext(&fiber->beginning, live, 0);
    return fiber;
}

// Lets the fibers [begin, end) go on if each of them is done or waits in `state`.
void release(State state, std::size_t begin, std::size_t end) {
    bool waits = false;
    for (std::size_t i = begin; i < end; ++i) {
        const State s = block.fibers[i]->state;
        if (s != state && s != State::done) return;
        waits = waits || s == state;
    }
    for (std::size_t i = begin; waits && i < end; ++i)
        if (block.fibers[i]->state == state) block.fibers[i]->state = State::ready;
}

void run_block(const std::function<void()>& thread, dim3 threads, std::size_t shared) {
    block.count = std::size_t(threads.x) * threads.y * threads.z;
    block.thread = &thread;
    block.shared.assign(shared + 1, char(0xff)); // NaN, where nothing is written
    while (block.fibers.size() < block.count) block.fibers.push_back(new_fiber());
    for (std::size_t i = 0; i < block.count; ++i) {
        Fiber& f = *block.fibers[i];
        f.state = State::ready;
        f.index =
            dim3(unsigned(i) % threads.x, unsigned(i) / threads.x % threads.y, unsigned(i) / (threads.x * threads.y));
    }
    for (;;) {
        bool ran = false;
        const std::size_t first = order() % block.count;
        const bool backwards = order() % 2;
        for (std::size_t k = 0; k < block.count; ++k) {
            const std::size_t i = (backwards ? first + block.count - k : first + k) % block.count;
            Fiber& f = *block.fibers[i];
            if (f.state != State::ready) continue;
            ran = true;
            block.current = i;
            threadIdx = f.index;
            go_on(f);
        }
        for (std::size_t w = 0; w < block.count; w += 32)
            release(State::at_warp_barrier, w, std::min(block.count, w + 32));
        release(State::at_block_barrier, 0, block.count);
        if (!ran) {
            bool all_done = true;
            for (std::size_t i = 0; i < block.count; ++i) all_done = all_done && block.fibers[i]->state == State::done;
            if (all_done) return;
            bool any_ready = false;
            for (std::size_t i = 0; i < block.count; ++i)
                any_ready = any_ready || block.fibers[i]->state == State::ready;
            if (!any_ready) std::abort(); // threads wait for one another at different barriers
        }
    }
}

} // namespace

int lane() { return int(block.current % 32); }
void* dynamic_shared() {
    const auto p = reinterpret_cast<std::uintptr_t>(block.shared.data());
    return reinterpret_cast<void*>((p + 127) / 128 * 128);
}

void show(std::uint64_t mine) { block.fibers[block.current]->shown = mine; }
std::uint64_t shown(int lane) { return block.fibers[block.current / 32 * 32 + std::size_t(lane)]->shown; }

std::uint64_t exchange(std::uint64_t mine, int from) {
    const std::size_t me = block.current, warp = me / 32 * 32;
    show(mine);
    wait(State::at_warp_barrier);
    const std::size_t source = warp + std::size_t(from);
    const std::uint64_t got = source < block.count ? block.fibers[source]->shown : mine;
    wait(State::at_warp_barrier);
    return got;
}

} // namespace cuda_on_cpu

void __syncthreads() { cuda_on_cpu::wait(cuda_on_cpu::State::at_block_barrier); }
void __syncwarp(unsigned) { cuda_on_cpu::wait(cuda_on_cpu::State::at_warp_barrier); }

// Streams run everything at once, or keep it for a graph.

struct CUgraph_st {
    std::vector<std::function<void()>> nodes;
};
struct CUgraphExec_st {
    std::vector<std::function<void()>> nodes;
};

namespace {
thread_local CUgraph_st* capturing = nullptr;
thread_local cudaStream_t captured = nullptr; // the stream
thread_local cudaError_t last_error = cudaSuccess;
constexpr int devices = 2;
thread_local int current_device = 0;

cudaError_t result(cudaError_t e) {
    if (e != cudaSuccess) last_error = e;
    return e;
}
} // namespace

namespace cuda_on_cpu {
cudaError_t submit(std::function<void()> work, cudaStream_t stream) {
    if (capturing && stream == captured) capturing->nodes.push_back(std::move(work));
    else work();
    return cudaSuccess;
}
cudaError_t run(std::function<void()> thread, dim3 blocks, dim3 threads, std::size_t shared, cudaStream_t stream) {
    if (threads.x * threads.y * threads.z > 1024 || threads.x == 0 || blocks.x == 0 || blocks.y > 65535 ||
        blocks.z > 65535 || shared > (227 << 10))
        return result(cudaErrorInvalidValue);
    return submit(
        [=] {
            blockDim = threads, gridDim = blocks;
            for (unsigned z = 0; z < blocks.z; ++z)
                for (unsigned y = 0; y < blocks.y; ++y)
                    for (unsigned x = 0; x < blocks.x; ++x) {
                        blockIdx = dim3(x, y, z);
                        run_block(thread, threads, shared + 128);
                    }
        },
        stream);
}
} // namespace cuda_on_cpu

cudaError_t cudaGetLastError() { return std::exchange(last_error, cudaSuccess); }
cudaError_t cudaPeekAtLastError() { return last_error; }
const char* cudaGetErrorString(cudaError_t e) {
    switch (e) {
    case cudaSuccess:
        return "no error";
    case cudaErrorInvalidValue:
        return "invalid argument";
    case cudaErrorMemoryAllocation:
        return "out of memory";
    case cudaErrorNoDevice:
        return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice:
        return "invalid device ordinal";
    }
    return "unknown error";
}
cudaError_t cudaGetDevice(int* device) { return *device = current_device, cudaSuccess; }
cudaError_t cudaSetDevice(int device) {
    if (device < 0 || device >= devices) return result(cudaErrorInvalidDevice);
    return current_device = device, cudaSuccess;
}
cudaError_t cudaGetDeviceCount(int* count) { return *count = devices, cudaSuccess; }
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
    switch (attribute) {
    case cudaDevAttrMultiProcessorCount:
        *value = cuda_on_cpu::from_environment("CUDA_ON_CPU_MULTIPROCESSORS", 4);
        break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
        *value = 227 << 10;
        break;
    case cudaDevAttrComputeCapabilityMajor:
        *value = 9;
        break;
    case cudaDevAttrComputeCapabilityMinor:
        *value = 0;
        break;
    }
    return cudaSuccess;
}
cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }
cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
cudaError_t cudaMalloc(void** p, std::size_t bytes) {
    *p = std::aligned_alloc(256, (bytes + 255) / 256 * 256 + 256);
    return result(*p ? cudaSuccess : cudaErrorMemoryAllocation);
}
cudaError_t cudaMallocManaged(void** p, std::size_t bytes, unsigned) { return cudaMalloc(p, bytes); }
cudaError_t cudaFree(void* p) { return std::free(p), cudaSuccess; }
cudaError_t cudaHostAlloc(void** p, std::size_t bytes, unsigned) { return cudaMalloc(p, bytes); }
cudaError_t cudaHostGetDevicePointer(void** device, void* host, unsigned) { return *device = host, cudaSuccess; }
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t n, cudaMemcpyKind, cudaStream_t stream) {
    return cuda_on_cpu::submit([=] { std::memmove(to, from, n); }, stream);
}
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t n, cudaStream_t stream) {
    return cuda_on_cpu::submit([=] { std::memset(to, value, n); }, stream);
}
struct CUstream_st {};
struct CUevent_st {
    std::chrono::steady_clock::time_point time;
};
cudaError_t cudaStreamCreate(cudaStream_t* s) { return *s = new CUstream_st, cudaSuccess; }
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* s, unsigned) { return cudaStreamCreate(s); }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* e, unsigned) { return *e = new CUevent_st{}, cudaSuccess; }
cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t) {
    return e->time = std::chrono::steady_clock::now(), cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t) { return cudaSuccess; }
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
    *milliseconds = std::chrono::duration<float, std::milli>(end->time - begin->time).count();
    return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t e) { return delete e, cudaSuccess; }
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned) { return cudaSuccess; }
cudaError_t cudaStreamDestroy(cudaStream_t s) { return delete s, cudaSuccess; }
cudaError_t cudaStreamGetId(cudaStream_t s, unsigned long long* id) { // arrays of cupy's stand-in name streams freely
    return *id = reinterpret_cast<std::uintptr_t>(s), cudaSuccess;
}
cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode*) { return cudaSuccess; }
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
    if (capturing) return result(cudaErrorInvalidValue);
    capturing = new CUgraph_st, captured = stream;
    return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t* graph) {
    if (!capturing) return result(cudaErrorInvalidValue);
    *graph = std::exchange(capturing, nullptr);
    return cudaSuccess;
}
cudaError_t cudaStreamIsCapturing(cudaStream_t, cudaStreamCaptureStatus* status) {
    *status = capturing ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
    return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
    *executable = new CUgraphExec_st{graph->nodes};
    return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
    for (const auto& node : executable->nodes) cuda_on_cpu::submit(node, stream);
    return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) { return delete executable, cudaSuccess; }
cudaError_t cudaGraphDestroy(cudaGraph_t graph) { return delete graph, cudaSuccess; }
