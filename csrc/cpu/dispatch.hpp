// The instruction sets that kernels were compiled for, and which of them is in use.
#pragma once

#include "../fastgrad/kernels.hpp"

namespace fastgrad {

struct InstructionSet {
    const char* name;
    KernelTable<float> float32;
    KernelTable<double> float64;
};

#if defined(__x86_64__)
namespace baseline { extern const InstructionSet instruction_set; }
namespace avx2 { extern const InstructionSet instruction_set; }
namespace avx512 { extern const InstructionSet instruction_set; }
#elif defined(__aarch64__)
namespace neon { extern const InstructionSet instruction_set; }
#else
namespace baseline { extern const InstructionSet instruction_set; }
#endif

const char* instruction_set_name();                              // the set in use
void choose_instruction_set(const char* name);                   // throws std::runtime_error if it cannot run here
const InstructionSet* const* built_instruction_sets(int& count); // weakest first
bool can_run(const InstructionSet&);

} // namespace fastgrad
