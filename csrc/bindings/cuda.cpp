// The extension module fastgrad._cuda: the kernels of fastgrad._cpu, under the same names, on cupy arrays.
#include "arrays.hpp"
#include "module.hpp"
#include "shared.hpp"

#include "../cuda/choice.hpp"

#include <atomic>
#include <utility>

namespace fastgrad {

namespace cuda {

// Raises what a kernel has found since the last look.
void raise_findings() {
    Finding* const shared = findings();
    if (shared->kind == Finding::nothing || shared->kind == Finding::half_written) return;
    std::atomic_thread_fence(std::memory_order_acquire); // the kind was written last
    Finding f;
    f.kind = shared->kind, f.kernel = shared->kernel, f.argument = shared->argument, f.value = shared->value;
    f.position = shared->position, f.limit = shared->limit, f.ignore_index = shared->ignore_index;
    shared->kind = Finding::nothing;
    const std::string where = " at position " + std::to_string(f.position);
    const std::string whole = std::to_string(std::int64_t(f.value)) + where;
    switch (f.kind) {
    case Finding::row:
        bad_index(f.kernel, f.argument, whole, "numbers from 0 to " + std::to_string(f.limit - 1));
    case Finding::target:
        bad_index(f.kernel, f.argument, whole,
                  "a class from 0 to " + std::to_string(f.limit - 1) +
                      " or ignore_index = " + std::to_string(f.ignore_index));
    default:
        bad_value(f.kernel, f.argument, number_text(f.value) + where, "numbers from 0 to 1");
    }
}

void begin(const char* kernel, cudaStream_t stream) {
    raise_findings();
    call = {kernel, stream};
}

} // namespace cuda

namespace {

// Waits for the current stream; raises what has gone wrong on it.
void synchronize() {
    begin_call("synchronize");
    {
        py::gil_scoped_release unlocked;
        cuda::check(cudaStreamSynchronize(cuda::call.stream));
    }
    cuda::raise_findings();
}

void give_back_cupys_memory() {
    const py::gil_scoped_acquire locked;
    py::module_::import("cupy").attr("get_default_memory_pool")().attr("free_all_blocks")();
}

int count_devices() {
    int count = 0;
    if (cudaGetDeviceCount(&count) != cudaSuccess) { // no driver, or none that is new enough
        cudaGetLastError();
        return 0;
    }
    return count;
}

const char* name_of(cuda::Kernels kernels) {
    return kernels == cuda::Kernels::own ? "fastgrad" : kernels == cuda::Kernels::library ? "cublas" : "auto";
}
void set_product_kernels(const std::string& name) {
    for (const auto kernels : {cuda::Kernels::fastest, cuda::Kernels::own, cuda::Kernels::library})
        if (name == name_of(kernels)) return cuda::set_kernels(kernels);
    bad_value("set_product_kernels", "kernels", "'" + name + "'", "'auto', 'fastgrad' or 'cublas'");
}
py::list measured_products() {
    constexpr const char* precisions[] = {"highest", "high", "medium"};
    py::list all;
    for (const cuda::Measured& p : cuda::measured_products())
        all.append(
            py::dict(py::arg("precision") = precisions[int(p.precision)], py::arg("batch") = p.batch,
                     py::arg("m") = p.m, py::arg("n") = p.n, py::arg("k") = p.k, py::arg("fastgrad") = p.own,
                     py::arg("cublas") = p.library, py::arg("finish") = p.finish,
                     py::arg("used") = name_of(p.is_library_faster() ? cuda::Kernels::library : cuda::Kernels::own)));
    return all;
}

py::dict build() {
    return py::dict(py::arg("compiler") = FASTGRAD_CUDA_COMPILER,
                    py::arg("architectures") = FASTGRAD_CUDA_ARCHITECTURES);
}

} // namespace

Shared& shared() {
    static Shared& the = *py::capsule(py::module_::import("fastgrad._cpu").attr("_shared")).get_pointer<Shared>();
    return the;
}

PYBIND11_MODULE(_cuda, m) { // scratch memory is one thread's at a time: the GIL
    m.doc() = "fastgrad's kernels on cupy arrays: those of fastgrad._cpu, on the current stream.";
    py::module_::import("fastgrad._cpu"); // Activation, shared()
    bind_device(m);
    cuda::give_back_memory = give_back_cupys_memory;
    m.def("build", &build, "Compiler, and the architectures that there is code for.");
    m.def("device_count", &count_devices, "How many GPUs can be used; 0 without a driver.");
    m.def("_load_library", &cuda::load_library, py::arg("file"),
          "Whether a file is cuBLAS, which is used from now on.");
    m.def("_has_library", &cuda::has_library, "Whether there is cuBLAS.");
    m.def("_set_product_kernels", &set_product_kernels, py::arg("kernels"), "'auto', 'fastgrad' or 'cublas'.");
    m.def("_product_kernels", [] { return name_of(cuda::kernels_of_products()); }, "What was set.");
    m.def("_measured_products", &measured_products, "What 'auto' has measured: seconds of each.");
    m.def("synchronize", &synchronize, "Waits for the current stream, and raises what kernels have found on it.");
}

} // namespace fastgrad
