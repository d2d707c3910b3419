// A whole epoch of a program: rows gathered, steps run, results collected.
#include <cstring>

#include "../cpu/threads.hpp"
#include "replay.hpp"

namespace fastgrad {

Py_ssize_t Replay::epoch(const std::vector<py::array>& arrays, const py::array& order, Py_ssize_t batch,
                         Py_ssize_t begin, Py_ssize_t end, const std::vector<py::array>& results) {
    const auto own = lock();
    const auto* rows = static_cast<const std::int64_t*>(order.data());
    std::vector<py::object> gathered; // one batch of every argument
    std::vector<char*> to;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const Input& input = inputs[i];
        gathered.push_back(input.movable < 0 ? py::object(py::none()) : new_array(input.spec.dtype, input.spec.shape));
        to.push_back(input.movable < 0 ? input.memory
                                       : static_cast<char*>(py::detail::array_proxy(gathered[i].ptr())->data));
        if (input.is_used && input.movable >= 0) program.point(std::size_t(input.movable), to[i]);
    }
    for (Py_ssize_t s = begin; s < end; ++s) {
        if (PyErr_CheckSignals()) throw py::error_already_set();
        if (!is_valid()) return s - begin;
        draw();
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            if (!inputs[i].is_used) continue;
            const Py_ssize_t bytes = arrays[i].nbytes() / (arrays[i].shape(0) ? arrays[i].shape(0) : 1);
            const char* from = static_cast<const char*>(arrays[i].data());
            const std::int64_t* index = rows + s * batch;
            char* target = to[i];
            const int tasks = tasks_for(double(batch) * double(bytes) / 8);
            parallel_for(tasks, [&](int task) {
                for (Py_ssize_t r = batch * task / tasks; r < batch * (task + 1) / tasks; ++r)
                    std::memcpy(target + r * bytes, from + index[r] * bytes, std::size_t(bytes));
            });
        }
        for (std::size_t i = 0; i < fresh.size(); ++i)
            if (fresh[i].movable >= 0)
                program.point(std::size_t(fresh[i].movable),
                              static_cast<char*>(const_cast<void*>(results[i].data())) + s * fresh[i].bytes);
        program.run();
        for (std::size_t i = 0; i < fresh.size(); ++i)
            if (fresh[i].movable < 0)
                std::memcpy(static_cast<char*>(const_cast<void*>(results[i].data())) + s * fresh[i].bytes,
                            fresh[i].memory, std::size_t(fresh[i].bytes));
        finish(nullptr);
    }
    return end - begin;
}

} // namespace fastgrad
