// As much of cuBLAS as the kernels call, for their tests: products column by column, as slow as they are simple.
#include "cuda_runtime.h"

namespace {

struct Handle {
    cudaStream_t stream = nullptr;
    void* workspace = nullptr;
};
int calls = 0;

float rounded(float x, int how) { // as factors are for TF32 and bfloat16; finite ones
    std::uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    if (how == 77) bits = (bits + 0x1000u) & 0xffffe000u;
    if (how == 75) bits = (bits + 0x7fffu + (bits >> 16 & 1)) & 0xffff0000u;
    std::memcpy(&x, &bits, sizeof bits);
    return x;
}

} // namespace

extern "C" {
[[gnu::visibility("default")]] int cublasCreate_v2(Handle** handle) { return *handle = new Handle, 0; }
[[gnu::visibility("default")]] int cublasSetStream_v2(Handle* handle, cudaStream_t stream) {
    return handle->stream = stream, handle->workspace = nullptr, 0;
}
[[gnu::visibility("default")]] int cublasSetWorkspace_v2(Handle* handle, void* memory, std::size_t) {
    return handle->workspace = memory, 0;
}
[[gnu::visibility("default")]] int cublasGemmEx(Handle* handle, int a_turned, int b_turned, int m, int n, int k,
                                                const float* alpha, const float* a, int a_type, int a_step,
                                                const float* b, int b_type, int b_step, const float* beta, float* c,
                                                int c_type, int c_step, int how, int algorithm) {
    if (a_type || b_type || c_type || *alpha != 1 || *beta != 0 || algorithm != -1) return 7;
    if (a_step < (a_turned ? k : m) || b_step < (b_turned ? n : k) || c_step < m || !handle->workspace) return 7;
    ++calls;
    return cuda_on_cpu::submit(
        [=] {
            for (int j = 0; j < n; ++j)
                for (int i = 0; i < m; ++i) {
                    float sum = 0;
                    for (int l = 0; l < k; ++l) {
                        const float x = a[a_turned ? l + std::ptrdiff_t(i) * a_step : i + std::ptrdiff_t(l) * a_step];
                        const float y = b[b_turned ? j + std::ptrdiff_t(l) * b_step : l + std::ptrdiff_t(j) * b_step];
                        sum = std::fma(rounded(x, how), rounded(y, how), sum);
                    }
                    c[i + std::ptrdiff_t(j) * c_step] = sum;
                }
        },
        handle->stream);
}
[[gnu::visibility("default")]] int cublas_calls() { return calls; }
}
