// The backward pass: gradients flow along the edges, latest operation first.
#pragma once

#include "objects.hpp"

namespace fastgrad::tape {

extern long recordings; // how many threads are recording a step (fastgrad.compile)

// Turns the gradients in the dict `grads` into those of the leaves. `path` (a set, or None) limits where they may go;
// `captured` (a dict, or None) holds the nodes and leaves whose gradients are asked for.
void sweep(py::handle grads, bool keep, py::handle path, py::handle captured);

// A leaf, its gradient, and whether nobody else holds the gradient's memory.
struct Arrived {
    py::object leaf, gradient;
    bool alone;
};
Arrived pop(py::handle grads);

// Adds `g` to the gradient of a leaf; keeps it as it is if that is the first and nobody else holds it (`alone`).
void accumulate(py::handle tensor, py::object g, bool alone);

// {node: 1} to start from a tensor of one element; None if it is not the usual case: an ndarray of float32 or float64.
py::object seed(py::handle tensor);

// A sweep, and all that arrives at leaves added to their tensors' gradients.
void backward(py::handle grads, bool keep);

// Tells what makes numpy silent: a context variable and the value it is to have.
void set_quiet(py::handle variable, py::handle value);

// Held while gradients are added up; a fork waits for it.
void lock_accumulation();
void unlock_accumulation();

} // namespace fastgrad::tape
