// From the commands of a chain of layers to the program that a block runs.
#pragma once

#include <optional>

#include "resident.hpp"
#include "resident_program.hpp"

namespace fastgrad::cuda {

template <class T> struct ResidentPlan {
    ResidentProgram<T> program;
    ResidentUpdates<T> updates; // the options are still missing
    int row_numbers;            // of all buffers that live at the same time, for one row
    double row_work;            // multiplications
};

// Nothing if the stages are no chain that can be run so.
template <class T>
std::optional<ResidentPlan<T>> plan_resident(const std::vector<Stage<T>>& stages, const IsNeeded& is_needed);

} // namespace fastgrad::cuda
