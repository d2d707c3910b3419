#include "library.hpp"

#include <array>
#include <limits>
#include <mutex>
#include <type_traits>

#include <dlfcn.h>

#include "rounded.hpp"

namespace fastgrad::cuda {
namespace {

// The functions, and their constants, as cublas_api.h declares them; a handle is a pointer.
using Handle = void*;
constexpr int as_it_is = 0, turned = 1;           // cublasOperation_t
constexpr int float_data = 0, bf16_data = 14;     // cudaDataType: CUDA_R_32F, CUDA_R_16BF
constexpr int in_float32 = 68, through_tf32 = 77; // cublasComputeType_t
constexpr int usual_algorithm = -1;               // cublasGemmAlgo_t

struct Library {
    int (*create)(Handle*);
    int (*set_stream)(Handle, cudaStream_t);
    int (*set_workspace)(Handle, void*, std::size_t);
    int (*gemm)(Handle, int, int, int, int, int, const void*, const void*, int, int, const void*, int, int, const void*,
                void*, int, int, int, int);
    int (*gemms)(Handle, int, int, int, int, int, const void*, const void*, int, int, long long, const void*, int, int,
                 long long, const void*, void*, int, int, long long, int, int, int);
    bool is_there = false;
};
Library library;

void check_library(int status) {
    if (status) throw LibraryError(std::string(call.kernel) + "(): cuBLAS error " + std::to_string(status));
}

// The handle of the current device, for one call at a time.
std::mutex handle_mutex;
Handle handle_of_device() {
    constexpr int most_devices = 64;
    static std::array<Handle, most_devices> handles{}; // for good
    int device = 0;
    check(cudaGetDevice(&device));
    if (device >= most_devices) throw std::runtime_error("cuBLAS: GPU number " + std::to_string(device));
    if (!handles[device]) check_library(library.create(&handles[device]));
    return handles[device];
}

// A factor as the library wants it: columns that lie next to each other, `step` apart.
struct Columns {
    const void* p;
    int type, operation;
    Size length, count, step; // of the columns in memory
    Size matrix_step;
};
Columns columns_of(View<float> v, Size rows, Size columns, Size matrix_step) { // of a matrix (rows, columns)
    const bool in_columns = v.rows == 1 || rows == 1;
    const Size length = in_columns ? rows : columns, count = in_columns ? columns : rows;
    const Size step = in_columns ? v.columns : v.rows;
    return {v.p,        float_data, in_columns ? as_it_is : turned,
            length,     count,      count == 1 ? length : step, // of one column the step says nothing
            matrix_step};
}
bool fits(const Columns& c, View<float> v) {
    constexpr Size most = std::numeric_limits<int>::max();
    const bool is_dense = (c.operation == as_it_is ? v.rows : v.columns) == 1 || c.length == 1;
    return is_dense && c.step >= c.length && c.length <= most && c.count <= most && c.step <= most;
}

// The library's matrices go column by column: yᵀ = bᵀ aᵀ.
Columns left_of(const Matmul<float>& p) { return columns_of(p.b.transposed(), p.n, p.k, p.b_step); }
Columns right_of(const Matmul<float>& p) { return columns_of(p.a.transposed(), p.k, p.m, p.a_step); }

Lines lines_of(const Columns& c, Size batch) {
    return {static_cast<const float*>(c.p), c.length, c.count, c.step, c.matrix_step ? batch : 1, c.matrix_step};
}
// The same in bfloat16, which is read for every product many times and rounded once.
Columns rounded(Columns c, Size batch) {
    const Lines lines = lines_of(c, batch);
    c.p = round_lines(lines), c.type = bf16_data, c.step = lines.rounded_step();
    if (c.matrix_step) c.matrix_step = c.count * c.step;
    return c;
}

} // namespace

bool load_library(const std::string& file) {
    void* const opened = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!opened) return false;
    Library found;
    const auto look = [&](auto& function, const char* name) {
        function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(opened, name));
        return function != nullptr;
    };
    found.is_there = look(found.create, "cublasCreate_v2") && look(found.set_stream, "cublasSetStream_v2") &&
                     look(found.set_workspace, "cublasSetWorkspace_v2") && look(found.gemm, "cublasGemmEx") &&
                     look(found.gemms, "cublasGemmStridedBatchedEx");
    if (found.is_there) library = found;
    return found.is_there;
}
bool has_library() { return library.is_there; }

bool library_takes(const Matmul<float>& p) {
    if (!library.is_there || p.batch == 0 || p.m == 0 || p.n == 0 || p.k == 0) return false;
    return fits(left_of(p), p.b.transposed()) && fits(right_of(p), p.a.transposed());
}

std::size_t room_for_library(const Matmul<float>& p) {
    if (p.precision != Precision::medium) return 0;
    return lines_of(left_of(p), p.batch).room() + lines_of(right_of(p), p.batch).room();
}

void prepare_library() {
    if (!library.is_there) return;
    const std::lock_guard lock(handle_mutex);
    handle_of_device();
}

void library_product(const Matmul<float>& p) {
    Columns left = left_of(p), right = right_of(p);
    if (p.precision == Precision::medium) left = rounded(left, p.batch), right = rounded(right, p.batch);
    const int how = p.precision == Precision::high ? through_tf32 : in_float32;
    const float one = 1, zero = 0;
    void* const workspace = library_workspace();
    const std::lock_guard lock(handle_mutex);
    const Handle handle = handle_of_device();
    check_library(library.set_stream(handle, call.stream));
    check_library(library.set_workspace(handle, workspace, library_workspace_bytes)); // the stream took it away
    const int m = int(p.n), n = int(p.m), k = int(p.k);
    if (p.batch == 1)
        check_library(library.gemm(handle, left.operation, right.operation, m, n, k, &one, left.p, left.type,
                                   int(left.step), right.p, right.type, int(right.step), &zero, p.y, float_data, m, how,
                                   usual_algorithm));
    else
        check_library(library.gemms(handle, left.operation, right.operation, m, n, k, &one, left.p, left.type,
                                    int(left.step), left.matrix_step, right.p, right.type, int(right.step),
                                    right.matrix_step, &zero, p.y, float_data, m, p.m * p.n, int(p.batch), how,
                                    usual_algorithm));
}

} // namespace fastgrad::cuda
