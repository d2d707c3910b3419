// As much of cuBLAS as the kernels call, for their tests: products column by column, as slow as they are simple.
#include "cuda_runtime.h"

namespace {

struct Handle {
    cudaStream_t stream = nullptr;
    void* workspace = nullptr;
};
int calls = 0;

constexpr int float_data = 0, bf16_data = 14, in_float32 = 68, through_tf32 = 77;

// A factor's column after column, `step` apart, or rows if it is turned.
struct Factor {
    const void* p;
    int type, step;
    bool turned;
    long long matrix_step;

    float at(long long matrix, long long row, long long column, int how) const {
        const long long i = matrix * matrix_step + (turned ? column + row * step : row + column * step);
        std::uint32_t bits;
        if (type == bf16_data) bits = std::uint32_t(static_cast<const std::uint16_t*>(p)[i]) << 16;
        else std::memcpy(&bits, static_cast<const float*>(p) + i, sizeof bits);
        if (how == through_tf32) bits = (bits + 0x1000u) & 0xffffe000u; // of finite ones
        float x;
        std::memcpy(&x, &bits, sizeof x);
        return x;
    }
};

int products(Handle* handle, Factor a, Factor b, int m, int n, int k, float alpha, float beta, float* c, int c_type,
             int c_step, long long c_matrix_step, int batch, int how, int algorithm) {
    const bool are_types_known = a.type == b.type && (a.type == float_data || a.type == bf16_data) && !c_type;
    if (!are_types_known || alpha != 1 || beta != 0 || algorithm != -1) return 7;
    if (how != in_float32 && (how != through_tf32 || a.type != float_data)) return 7;
    if (a.step < (a.turned ? k : m) || b.step < (b.turned ? n : k) || c_step < m || !handle->workspace) return 7;
    ++calls;
    return cuda_on_cpu::submit(
        [=] {
            for (int matrix = 0; matrix < batch; ++matrix)
                for (int j = 0; j < n; ++j)
                    for (int i = 0; i < m; ++i) {
                        float sum = 0;
                        for (int l = 0; l < k; ++l)
                            sum = std::fma(a.at(matrix, i, l, how), b.at(matrix, l, j, how), sum);
                        c[matrix * c_matrix_step + i + std::ptrdiff_t(j) * c_step] = sum;
                    }
        },
        handle->stream);
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
                                                const float* alpha, const void* a, int a_type, int a_step,
                                                const void* b, int b_type, int b_step, const float* beta, float* c,
                                                int c_type, int c_step, int how, int algorithm) {
    return products(handle, {a, a_type, a_step, a_turned != 0, 0}, {b, b_type, b_step, b_turned != 0, 0}, m, n, k,
                    *alpha, *beta, c, c_type, c_step, 0, 1, how, algorithm);
}
[[gnu::visibility("default")]] int
cublasGemmStridedBatchedEx(Handle* handle, int a_turned, int b_turned, int m, int n, int k, const float* alpha,
                           const void* a, int a_type, int a_step, long long a_matrix_step, const void* b, int b_type,
                           int b_step, long long b_matrix_step, const float* beta, float* c, int c_type, int c_step,
                           long long c_matrix_step, int batch, int how, int algorithm) {
    return products(handle, {a, a_type, a_step, a_turned != 0, a_matrix_step},
                    {b, b_type, b_step, b_turned != 0, b_matrix_step}, m, n, k, *alpha, *beta, c, c_type, c_step,
                    c_matrix_step, batch, how, algorithm);
}
[[gnu::visibility("default")]] int cublas_calls() { return calls; }
}
