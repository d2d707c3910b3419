// How an operation is recorded.
#pragma once

#include "objects.hpp"

namespace fastgrad::tape {

// A tensor over y, with the node that computes its gradients if any parent requires one. The rule reads the memory of
// the tensors in `saved` and, if `saves_output`, y; it is called as rule(dy, needs, *constants).
py::object record(py::handle y, py::handle parents, py::handle rule, py::handle saved, bool saves_output,
                  py::handle constants);
// A node by itself, which reads the memory of the tensors in `saved` and of the versions in `extra`.
py::object make_node(py::handle edges, py::handle rule, py::handle saved, py::handle extra);
bool is_recording(PyObject* const* tensors, Py_ssize_t n);

} // namespace fastgrad::tape
