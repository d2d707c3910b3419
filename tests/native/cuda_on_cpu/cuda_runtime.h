// As much of CUDA's runtime as the kernels use, on the processor: so that they can be run, and looked at with a
// debugger and sanitizers, on a machine without a GPU. It is slow, and it is no model of a GPU's memory.
//
// A block's threads are fibers of one thread. One runs until it waits at a barrier of its block or warp; who is next is
// drawn at random, so that what needs a barrier and has none soon gives another result (CUDA_ON_CPU_SEED). There are 4
// multiprocessors, or CUDA_ON_CPU_MULTIPROCESSORS: they decide on tiles and on products in parts.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <tuple>
#include <utility>

#define __global__
#define __device__
#define __host__
#define __grid_constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __grid_constant__
#define __restrict__ __restrict
#define __shared__ static // blocks run one after the other
#define __launch_bounds__(...)
#define __align__(n) __attribute__((aligned(n)))

struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(16) double2 {
    double x, y;
};
struct alignas(8) int2 {
    int x, y;
};
struct alignas(16) int4 {
    int x, y, z, w;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};

extern thread_local dim3 threadIdx, blockIdx, blockDim, gridDim;
constexpr int warpSize = 32;

void __syncthreads();
void __syncwarp(unsigned mask = 0xffffffffu);
inline void __threadfence() {}
inline void __threadfence_block() {}
inline void __threadfence_system() {}

namespace cuda_on_cpu {
// Hands 8 bytes over from lane to lane; `from` is the lane whose value this one gets.
std::uint64_t exchange(std::uint64_t mine, int from);
int lane();
void show(std::uint64_t mine); // to the other lanes, once they have met at a barrier
std::uint64_t shown(int lane); // by another lane
void* dynamic_shared();        // of the block that runs

template <class T> T exchanged(T value, int from) {
    static_assert(sizeof(T) <= 8);
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof value);
    bits = exchange(bits, from);
    std::memcpy(&value, &bits, sizeof value);
    return value;
}
} // namespace cuda_on_cpu

template <class T> T __shfl_sync(unsigned, T value, int from, int width = 32) {
    const int lane = cuda_on_cpu::lane();
    return cuda_on_cpu::exchanged(value, lane / width * width + from % width);
}
template <class T> T __shfl_xor_sync(unsigned, T value, int mask, int = 32) {
    return cuda_on_cpu::exchanged(value, cuda_on_cpu::lane() ^ mask);
}
template <class T> T __shfl_down_sync(unsigned, T value, int by, int width = 32) {
    const int lane = cuda_on_cpu::lane(), to = lane + by;
    return cuda_on_cpu::exchanged(value, to / width == lane / width ? to : lane);
}
template <class T> T __ldg(const T* p) { return *p; }
inline std::uint32_t __umulhi(std::uint32_t a, std::uint32_t b) { return std::uint32_t(std::uint64_t(a) * b >> 32); }
inline int atomicCAS(int* p, int expected, int value) {
    const int before = *p;
    if (before == expected) *p = value;
    return before;
}
inline int atomicAdd(int* p, int value) {
    const int before = *p;
    *p += value;
    return before;
}
inline unsigned atomicAdd(unsigned* p, unsigned value) {
    const unsigned before = *p;
    *p += value;
    return before;
}

enum cudaError_t {
    cudaSuccess = 0,
    cudaErrorInvalidValue = 1,
    cudaErrorMemoryAllocation = 2,
    cudaErrorNoDevice = 100,
    cudaErrorInvalidDevice = 101
};
enum cudaMemcpyKind {
    cudaMemcpyHostToHost,
    cudaMemcpyHostToDevice,
    cudaMemcpyDeviceToHost,
    cudaMemcpyDeviceToDevice,
    cudaMemcpyDefault
};
enum cudaDeviceAttr {
    cudaDevAttrMultiProcessorCount = 16,
    cudaDevAttrMaxSharedMemoryPerBlockOptin = 97,
    cudaDevAttrComputeCapabilityMajor = 75,
    cudaDevAttrComputeCapabilityMinor = 76
};
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
constexpr unsigned cudaHostAllocMapped = 2, cudaHostAllocPortable = 1;
constexpr unsigned cudaStreamNonBlocking = 1, cudaEventDisableTiming = 2;
enum cudaStreamCaptureMode {
    cudaStreamCaptureModeGlobal,
    cudaStreamCaptureModeThreadLocal,
    cudaStreamCaptureModeRelaxed
};
enum cudaStreamCaptureStatus { cudaStreamCaptureStatusNone, cudaStreamCaptureStatusActive };

using cudaStream_t = struct CUstream_st*;
inline const cudaStream_t cudaStreamPerThread = reinterpret_cast<cudaStream_t>(2);
using cudaEvent_t = struct CUevent_st*;
using cudaGraph_t = struct CUgraph_st*;
using cudaGraphExec_t = struct CUgraphExec_st*;

cudaError_t cudaGetLastError();
cudaError_t cudaPeekAtLastError();
const char* cudaGetErrorString(cudaError_t);
cudaError_t cudaGetDevice(int*);
extern "C" [[gnu::visibility("default")]] cudaError_t cudaSetDevice(int); // for the stand-in for cupy
cudaError_t cudaGetDeviceCount(int*);
cudaError_t cudaDeviceGetAttribute(int*, cudaDeviceAttr, int);
cudaError_t cudaDeviceSynchronize();
cudaError_t cudaStreamSynchronize(cudaStream_t);
cudaError_t cudaMalloc(void**, std::size_t);
cudaError_t cudaMallocManaged(void**, std::size_t, unsigned = 1);
cudaError_t cudaFree(void*);
cudaError_t cudaHostAlloc(void**, std::size_t, unsigned);
cudaError_t cudaHostGetDevicePointer(void**, void*, unsigned);
cudaError_t cudaMemcpyAsync(void*, const void*, std::size_t, cudaMemcpyKind, cudaStream_t);
cudaError_t cudaMemsetAsync(void*, int, std::size_t, cudaStream_t);
cudaError_t cudaStreamCreate(cudaStream_t*);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t*, unsigned);
cudaError_t cudaStreamDestroy(cudaStream_t);
cudaError_t cudaStreamGetId(cudaStream_t, unsigned long long*);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t*, unsigned);
cudaError_t cudaEventRecord(cudaEvent_t, cudaStream_t);
cudaError_t cudaEventDestroy(cudaEvent_t);
cudaError_t cudaEventSynchronize(cudaEvent_t);
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t, cudaEvent_t);
cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned);
cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode*);
cudaError_t cudaStreamBeginCapture(cudaStream_t, cudaStreamCaptureMode);
cudaError_t cudaStreamEndCapture(cudaStream_t, cudaGraph_t*);
cudaError_t cudaStreamIsCapturing(cudaStream_t, cudaStreamCaptureStatus*);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t*, cudaGraph_t, unsigned long long);
cudaError_t cudaGraphLaunch(cudaGraphExec_t, cudaStream_t);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t);
cudaError_t cudaGraphDestroy(cudaGraph_t);

namespace cuda_on_cpu {
// Does some work, or keeps it for the graph that the stream captures.
cudaError_t submit(std::function<void()> work, cudaStream_t stream);
// Runs `thread` for every thread of every block, or keeps it for the graph that the stream captures.
cudaError_t run(std::function<void()> thread, dim3 blocks, dim3 threads, std::size_t shared, cudaStream_t stream);
} // namespace cuda_on_cpu

template <class... P> cudaError_t cudaLaunchKernel(void (*kernel)(P...), dim3 blocks, dim3 threads, void** arguments,
                                                   std::size_t shared, cudaStream_t stream) {
    const auto values = [&]<std::size_t... i>(std::index_sequence<i...>) {
        return std::tuple<P...>(*static_cast<std::remove_reference_t<P>*>(arguments[i])...);
    }(std::index_sequence_for<P...>());
    return cuda_on_cpu::run([kernel, values] { std::apply(kernel, values); }, blocks, threads, shared, stream);
}
template <class K> cudaError_t cudaFuncSetAttribute(K*, cudaFuncAttribute, int) { return cudaSuccess; }
template <class K> cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* n, K*, int, std::size_t) {
    *n = 2;
    return cudaSuccess;
}
