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
void bind_program_lists(pybind11::module_& m);
void bind_compiled(pybind11::module_& m);
void bind_threads(pybind11::module_& m);

// What every device has, under the same names: kernels, and programs of them.
inline void bind_device(pybind11::module_& m) {
    bind_activations(m);
    bind_linear(m);
    bind_rows(m);
    bind_losses(m);
    bind_updates(m);
    bind_linear_updates(m);
    bind_copies(m);
    bind_elementwise(m);
    bind_programs(m);
    bind_program_lists(m);
}

} // namespace fastgrad
