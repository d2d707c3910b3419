// The rule that an optimiser's options make, for a parameter.
#pragma once

#include "grid.hpp"

#include "../fastgrad/vecmath.hpp"

#include "../fastgrad/apply_update.hpp"

namespace fastgrad::cuda {

template <class T> __device__ auto rule_of(const SgdOptions& o, const Sgd<T>&) { return sgd_rule<T>(o); }
template <class T> __device__ auto rule_of(const AdamOptions& o, const Adam<T>& s) {
    return adam_rule<T>(o, s.step + o.later);
}

// A rule that a kernel before has made, in the place of the options: Adam's takes two powers.
template <class T> struct MadeRule {
    const AdamRule<Vec<T>>* at;
    __device__ MadeRule get() const { return *this; }
};
template <class T> __device__ AdamRule<Vec<T>> rule_of(const MadeRule<T>& made, const Adam<T>&) { return *made.at; }

template <class T> __global__ void make_rules(AdamRule<Vec<T>>* to, Latest<AdamOptions> options, std::int64_t w_step,
                                              std::int64_t b_step) {
    const Adam<T> s{nullptr, nullptr, nullptr, nullptr, nullptr, 0, threadIdx.x == 0 ? w_step : b_step};
    to[threadIdx.x] = rule_of<T>(options.get(), s);
}

} // namespace fastgrad::cuda
