// What a command may read anew at every run, besides the options of the updates (csrc/fastgrad/kernels.hpp).
#pragma once

#include <cstdint>

namespace fastgrad {

struct RandomCounter { // where a stream of random numbers goes on
    std::uint64_t seed, offset;
};

} // namespace fastgrad
