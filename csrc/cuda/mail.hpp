// What a graph reads anew at every launch, in memory of the GPU: where arguments come from and results go, the options
// of its commands, and the number of a step of an epoch. It keeps up with the numbers that grow by itself, so that the
// steps of an epoch need no word from the processor.
#pragma once

#include "../fastgrad/kernels.hpp"

#include <cuda_runtime.h>

namespace fastgrad::cuda {

// In an epoch: rows order[number * batch ...] are the arguments, line `number` of every result is written.
struct Step {
    const std::int64_t* order = nullptr; // null: arguments and results are whole
    Size batch = 0, number = 0;
};

struct Move { // bytes of all of an argument or result
    const char* from;
    char* to;
    Size bytes;
};
struct Advance {
    std::int64_t* number;
    std::int64_t by;
};

struct Mail {
    Step step;           // of arguments; the last kernel of a graph counts it up
    Size number_of_line; // of results: the first kernel of a graph sets it
    Size each;           // what a launch adds to the step's number
    Move *in, *out;
    Advance* advances;
    int ins, outs, advance_count;
};

// Copies bytes of the processor's to the device: as arguments of kernels, as a copy from memory that is not pinned may
// wait for the stream.
void deliver(char* to, const char* from, std::size_t bytes);
void launch_begin(Mail* mail, Size bytes); // bytes: of all arguments together, to choose a grid
void launch_end(Mail* mail, Size bytes);

} // namespace fastgrad::cuda
