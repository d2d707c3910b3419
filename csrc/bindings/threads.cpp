// What measures and tests the pool of threads, and what lets other programs see and limit it.
#include <chrono>
#include <string>

#include "errors.hpp"
#include "module.hpp"

#include "../cpu/cpus.hpp"
#include "../cpu/threads.hpp"

// For threadpoolctl, which finds a library's pool by such symbols.
extern "C" {
__attribute__((visibility("default"))) int fastgrad_get_num_threads() { return fastgrad::num_threads(); }
__attribute__((visibility("default"))) void fastgrad_set_num_threads(int n) {
    if (n >= 1) fastgrad::set_num_threads(n < fastgrad::most_threads ? n : fastgrad::most_threads);
}
}

namespace fastgrad {
namespace {

// Nanoseconds of one fork-join, on average over `repeats` in a row, of tasks that each keep a thread busy for task_ns.
double fork_join(int tasks, int repeats, double task_ns) {
    if (tasks < 1 || tasks > 65535)
        bad_value("_fork_join", "tasks", std::to_string(tasks), "an integer from 1 to 65535");
    if (repeats < 1) bad_value("_fork_join", "repeats", std::to_string(repeats), "at least 1");
    using Clock = std::chrono::steady_clock;
    using Nanoseconds = std::chrono::duration<double, std::nano>;
    py::gil_scoped_release unlocked;
    const Clock::time_point start = Clock::now();
    for (int i = 0; i < repeats; ++i)
        parallel_for(tasks, [&](int) {
            if (task_ns > 0)
                for (const Clock::time_point begin = Clock::now();
                     Nanoseconds(Clock::now() - begin).count() < task_ns;) {}
        });
    return Nanoseconds(Clock::now() - start).count() / repeats;
}

} // namespace

void bind_threads(py::module_& m) {
    m.def("_fork_join", &fork_join, py::arg("tasks"), py::arg("repeats"), py::arg("task_ns") = 0.0,
          "Nanoseconds of a fork-join of tasks that each last task_ns, on average over some in a row.");
    m.def("_be_a_worker_process", &be_a_worker_process,
          "One thread from now on, unless FASTGRAD_NUM_THREADS says how many.");
    m.def("_cgroup_cpus", &cgroup_cpus, py::arg("root") = "",
          "Processors that the quotas of this process's control groups pay for; 0 without a quota.");
}

} // namespace fastgrad
