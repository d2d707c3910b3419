// The extension module fastgrad._cpu.
#include "arrays.hpp"
#include "module.hpp"
#include "shared.hpp"

#include "../cpu/dispatch.hpp"
#include "../cpu/threads.hpp"

namespace fastgrad {
namespace {

py::dict build() {
    int count = 0;
    const InstructionSet* const* sets = built_instruction_sets(count);
    py::list built, runnable;
    for (int i = 0; i < count; ++i) {
        built.append(sets[i]->name);
        if (can_run(*sets[i])) runnable.append(sets[i]->name);
    }
    return py::dict(py::arg("compiler") = FASTGRAD_COMPILER, py::arg("isas") = built,
                    py::arg("isas_supported") = runnable, py::arg("isa") = instruction_set_name());
}

void set_threads(py::handle n) {
    constexpr int most = 1024;
    if (!PyLong_Check(n.ptr()) || PyBool_Check(n.ptr()))
        bad_type("set_num_threads", "n", "a " + type_name(n), "an integer");
    int overflow = 0;
    const long value = PyLong_AsLongAndOverflow(n.ptr(), &overflow);
    if (overflow || value < 1 || value > most)
        bad_value("set_num_threads", "n", py::str(n), "an integer from 1 to " + std::to_string(most));
    set_num_threads(int(value));
}

double fma_peak(const std::string& dtype, double seconds) {
    if (dtype != "float32" && dtype != "float64")
        bad_value("fma_peak", "dtype", "'" + dtype + "'", "'float32' or 'float64'");
    py::gil_scoped_release unlocked;
    return dtype == "float32" ? kernels<float>().fma_peak(seconds) : kernels<double>().fma_peak(seconds);
}

void set_other_device(py::handle array, py::handle module) {
    if (!PyType_Check(array.ptr())) bad_type("_set_other_device", "array", "a " + type_name(array), "a class");
    other_device = {reinterpret_cast<PyTypeObject*>(array.inc_ref().ptr()), module.inc_ref().ptr()}; // for good
}

} // namespace

Shared& shared() {
    static Shared the;
    return the;
}

PYBIND11_MODULE(_cpu, m, py::mod_gil_not_used()) {
    m.doc() = "fastgrad's kernels on numpy arrays: outputs first; checked here, computed without the GIL.";
    instruction_set_name(); // a wrong FASTGRAD_ISA or FASTGRAD_NUM_THREADS is an error at import
    num_threads();
    bind_activation_list(m);
    bind_device(m);
    bind_compiled(m);
    bind_threads(m);
    m.def("build", &build, "Compiler, instruction sets built, those that run here, and the one in use.");
    m.def(
        "_set_isa", [](const std::string& name) { choose_instruction_set(name.c_str()); }, py::arg("name"),
        "Switches to another instruction set, for tests.");
    m.def("_set_other_device", &set_other_device, py::arg("array"), py::arg("module"),
          "Calls with arrays of this class go to the module's functions.");
    m.def("get_num_threads", &num_threads, "How many threads kernels may use.");
    m.def("set_num_threads", &set_threads, py::arg("n"), "Sets how many threads kernels may use, from 1 to 1024.");
    m.def("fma_peak", &fma_peak, py::arg("dtype"), py::arg("seconds") = 0.2,
          "FLOP/s that one thread reaches in a loop of nothing but fused multiply-adds.");
}

} // namespace fastgrad
