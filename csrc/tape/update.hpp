// What an optimiser asks of all its parameters at once.
#pragma once

#include "objects.hpp"

namespace fastgrad::tape {

// The tensors that have a gradient, their arrays, and their gradients' arrays: three tuples of one length.
py::object with_gradients(py::handle tensors);

// Whether two sequences hold the same objects.
bool are_same(py::handle a, py::handle b);

// Notes that the memory of each tensor has changed.
void count_changes(py::handle tensors);

} // namespace fastgrad::tape
