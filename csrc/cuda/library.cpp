#include "library.hpp"

#include <limits>
#include <map>
#include <mutex>
#include <type_traits>
#include <utility>

#include <dlfcn.h>

#include "launch.hpp"

namespace fastgrad::cuda {
namespace {

// The functions, and their constants, as cublas_api.h declares them; a handle is a pointer.
using Handle = void*;
constexpr int as_it_is = 0, turned = 1;                              // cublasOperation_t
constexpr int float_data = 0;                                        // cudaDataType: CUDA_R_32F
constexpr int in_float32 = 68, through_bf16 = 75, through_tf32 = 77; // cublasComputeType_t
constexpr int usual_algorithm = -1;                                  // cublasGemmAlgo_t

struct Library {
    int (*create)(Handle*);
    int (*set_stream)(Handle, cudaStream_t);
    int (*set_workspace)(Handle, void*, std::size_t);
    int (*gemm)(Handle, int, int, int, int, int, const void*, const void*, int, int, const void*, int, int, const void*,
                void*, int, int, int, int);
    bool is_there = false;
};
Library library;

void check_library(int status) {
    if (status) throw std::runtime_error(std::string(call.kernel) + "(): cuBLAS error " + std::to_string(status));
}

// One handle for every stream, and one for every graph: each has memory of its own to work in.
struct Worker {
    Handle handle = nullptr;
    void* memory = nullptr;
    static constexpr std::size_t bytes = 32 << 20; // what the library recommends for sm_90
};
Worker& worker_of_call() {
    static std::mutex mutex;
    static auto& workers = *new std::map<std::pair<int, const void*>, Worker>; // for good: streams outlive destructors
    int device = 0;
    check(cudaGetDevice(&device));
    // A graph has scratch memory and options of its own; measurements, which come one after the other, scratch memory.
    const void* const owner = call.options   ? call.scratch
                              : call.scratch ? static_cast<const void*>(&library)
                                             : call.stream;
    const std::lock_guard lock(mutex);
    Worker& worker = workers[{device, owner}];
    if (!worker.memory) check(cudaMalloc(&worker.memory, Worker::bytes));
    if (!worker.handle) check_library(library.create(&worker.handle));
    return worker;
}

// A factor as the library wants it: columns that lie next to each other, `step` apart.
struct Columns {
    int operation, step;
    bool fits;
};
Columns columns_of(View<float> v, Size rows, Size columns) { // of a matrix (rows, columns)
    constexpr Size most = std::numeric_limits<int>::max();
    const bool in_columns = v.rows == 1 || rows == 1;
    const Size step = in_columns ? v.columns : v.rows, least = in_columns ? rows : columns;
    const bool fits = (in_columns || v.columns == 1 || columns == 1) && step <= most;
    const bool is_one = (in_columns ? columns : rows) == 1; // then the step says nothing
    return {in_columns ? as_it_is : turned, int(is_one ? least : step), fits && (is_one || step >= least)};
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
                     look(found.set_workspace, "cublasSetWorkspace_v2") && look(found.gemm, "cublasGemmEx");
    if (found.is_there) library = found;
    return found.is_there;
}
bool has_library() { return library.is_there; }

bool library_product(Precision precision, Size m, Size n, Size k, View<float> a, View<float> b, float* y) {
    constexpr Size most = std::numeric_limits<int>::max();
    if (!library.is_there || m == 0 || n == 0 || k == 0 || m > most || n > most || k > most) return false;
    // The library's matrices go column by column: yᵀ = bᵀ aᵀ.
    const Columns left = columns_of(b.transposed(), n, k), right = columns_of(a.transposed(), k, m);
    if (!left.fits || !right.fits) return false;
    const int how = precision == Precision::highest ? in_float32
                    : precision == Precision::high  ? through_tf32
                                                    : through_bf16;
    const float one = 1, zero = 0;
    const Worker& worker = worker_of_call();
    check_library(library.set_stream(worker.handle, call.stream));
    check_library(library.set_workspace(worker.handle, worker.memory, Worker::bytes)); // the stream took it away
    check_library(library.gemm(worker.handle, left.operation, right.operation, int(n), int(m), int(k), &one, b.p,
                               float_data, left.step, a.p, float_data, right.step, &zero, y, float_data, int(n), how,
                               usual_algorithm));
    return true;
}

} // namespace fastgrad::cuda
