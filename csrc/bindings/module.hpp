// The parts of the extension module, one function per file.
#pragma once

#include <pybind11/pybind11.h>

namespace fastgrad {

void bind_activation_list(pybind11::module_& m);
void bind_activations(pybind11::module_& m);
void bind_linear(pybind11::module_& m);
void bind_rows(pybind11::module_& m);
void bind_losses(pybind11::module_& m);
void bind_updates(pybind11::module_& m);
void bind_linear_updates(pybind11::module_& m);
void bind_copies(pybind11::module_& m);
void bind_programs(pybind11::module_& m);
void bind_elementwise(pybind11::module_& m);
void bind_compiled(pybind11::module_& m);
void bind_threads(pybind11::module_& m);

// The kernels that every device has, under the same names.
inline void bind_kernels(pybind11::module_& m) {
    bind_activations(m);
    bind_linear(m);
    bind_rows(m);
    bind_losses(m);
    bind_updates(m);
    bind_linear_updates(m);
    bind_copies(m);
    bind_elementwise(m);
}

} // namespace fastgrad
