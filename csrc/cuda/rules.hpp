// The rule that an optimiser's options make, for a parameter.
#pragma once

#include "grid.hpp"

#include "../fastgrad/vecmath.hpp"

#include "../fastgrad/apply_update.hpp"

namespace fastgrad::cuda {

template <class T> __device__ void with_rule(const SgdOptions& o, const Sgd<T>&, const auto& body) {
    body(sgd_rule<T>(o));
}
template <class T> __device__ void with_rule(const AdamOptions& o, const Adam<T>& s, const auto& body) {
    body(adam_rule<T>(o, s.step + o.later));
}

} // namespace fastgrad::cuda
