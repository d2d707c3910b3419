// The Python object that stands for an activation with its parameters.
#pragma once

#include <vector>

#include <pybind11/typing.h>

#include "../cpu/kernels.hpp"
#include "errors.hpp"

namespace fastgrad {

struct PyActivation {
    BoundActivation bound;
    std::vector<double> parameters;
};

const ActivationInfo& activation_info(int index);

using OptionalActivation = py::typing::Optional<PyActivation>;

inline BoundActivation bound_or_identity(const char* kernel, const OptionalActivation& f) {
    if (f.is_none()) return {};
    if (!py::isinstance<PyActivation>(f)) bad_type(kernel, "activation", "a " + type_name(f), "an Activation or None");
    return f.cast<const PyActivation&>().bound;
}

} // namespace fastgrad
