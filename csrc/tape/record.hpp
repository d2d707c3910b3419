#pragma once

#include "objects.hpp"

namespace fastgrad::tape {

py::object record(py::handle y, py::handle parents, py::handle rule, py::handle saved, bool saves_output,
                  py::handle constants);
py::object make_node(py::handle edges, py::handle rule, py::handle saved, py::handle extra);
bool is_recording(PyObject* const* tensors, Py_ssize_t n);

} // namespace fastgrad::tape
