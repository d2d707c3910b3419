// Small networks stay on the chip: a chain of layers, forward and backward, with its loss and updates, as one kernel
// (or two) that keeps a few rows of the batch in shared memory from layer to layer.
#pragma once

#include <functional>
#include <variant>
#include <vector>

#include "../fastgrad/kernels.hpp"

namespace fastgrad::cuda {

// The derivative of an activation that stands alone, behind a loss: dx = dy f'(saved), as n numbers
template <class T> struct ActivationBackward {
    T* dx;
    const T *dy, *saved;
    Size n;
    BoundActivation activation;
};

// One of the consecutive commands that make such a chain: the commands' own structs, which must outlive a recording.
template <class T> using Stage =
    std::variant<const LinearForward<T>*, const CrossEntropy<T>*, const PointwiseLoss<T>*, const ActivationBackward<T>*,
                 const LinearGradInput<T>*, const LinearSgd<T>*, const LinearAdam<T>*>;

// Whether anybody but the stages reads what one of them writes to this place. What nobody does is never stored.
using IsNeeded = std::function<bool(const void*)>;

// Whether this device can run the stages so. Where several stages write to one place, the last one's value is stored.
template <class T> bool fits_resident(const std::vector<Stage<T>>& stages, const IsNeeded& is_needed);
// Runs the stages, which fit, on the current stream: forward values have the bits of the kernels one by one; sums over
// the batch have an order of their own, which depends on sizes and the device alone.
template <class T> void run_resident(const std::vector<Stage<T>>& stages, const IsNeeded& is_needed);

} // namespace fastgrad::cuda
