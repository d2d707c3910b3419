// The Python object that stands for an activation with its parameters.
#pragma once

#include <vector>

#include "../cpu/kernels.hpp"

namespace fastgrad {

struct PyActivation {
    BoundActivation bound;
    std::vector<double> parameters;
};

const ActivationInfo& activation_info(int index);

inline BoundActivation bound_or_identity(const PyActivation* f) { return f ? f->bound : BoundActivation{}; }

} // namespace fastgrad
