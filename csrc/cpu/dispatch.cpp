// Chooses the instruction set: the best one that this processor runs, or the one FASTGRAD_ISA names.
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

#include "dispatch.hpp"

namespace fastgrad {
namespace {

#if defined(__x86_64__)
const InstructionSet* const sets[] = {&baseline::instruction_set, &avx2::instruction_set, &avx512::instruction_set};
#elif defined(__aarch64__)
const InstructionSet* const sets[] = {&neon::instruction_set};
#else
const InstructionSet* const sets[] = {&baseline::instruction_set};
#endif
constexpr int set_count = sizeof sets / sizeof *sets;

bool runs_here([[maybe_unused]] const InstructionSet& set) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!std::strcmp(set.name, "avx2")) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (!std::strcmp(set.name, "avx512"))
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("fma");
#endif
    return true;
}

const InstructionSet& find(const char* name, const char* who) {
    std::string names;
    for (const InstructionSet* set : sets) {
        if (!runs_here(*set)) continue;
        if (!std::strcmp(set->name, name)) return *set;
        names += (names.empty() ? "'" : ", '") + std::string(set->name) + "'";
    }
    throw std::runtime_error(std::string(who) + " is '" + name + "', expected one of the sets that run here: " + names);
}

const InstructionSet*& chosen() {
    static const InstructionSet* set = [] {
        if (const char* name = std::getenv("FASTGRAD_ISA"); name && *name) return &find(name, "FASTGRAD_ISA");
        int best = set_count - 1;
        while (!runs_here(*sets[best])) --best;
        return sets[best];
    }();
    return set;
}

} // namespace

template <> const KernelTable<float>& kernels<float>() { return chosen()->float32; }
template <> const KernelTable<double>& kernels<double>() { return chosen()->float64; }
const char* instruction_set_name() { return chosen()->name; }
void choose_instruction_set(const char* name) { chosen() = &find(name, "_set_isa(): argument 'name'"); }
const InstructionSet* const* built_instruction_sets(int& count) {
    count = set_count;
    return sets;
}
bool can_run(const InstructionSet& set) { return runs_here(set); }

} // namespace fastgrad
