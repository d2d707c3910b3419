// A whole epoch of a program: rows gathered, steps run, results collected.
#include <cstring>

#include "../fastgrad/copy.hpp"
#include "replay.hpp"

namespace fastgrad {

namespace {

char* memory_of(const py::object& array) { return static_cast<char*>(py::detail::array_proxy(array.ptr())->data); }

// Row `row` of a C-contiguous array whose rows have `bytes`.
char* row_of(const py::array& array, Py_ssize_t row, Py_ssize_t bytes) {
    return static_cast<char*>(const_cast<void*>(array.data())) + row * bytes;
}

} // namespace

bool Replay::fits_batches(const std::vector<py::object>& batches, const std::vector<py::array>& results) const {
    if (batches.size() != inputs.size() || results.size() != fresh.size()) return false;
    for (std::size_t i = 0; i < inputs.size(); ++i)
        if (!inputs[i].is_tensor || inputs[i].requires_grad || !inputs[i].spec.fits(batches[i].ptr())) return false;
    for (std::size_t i = 0; i < fresh.size(); ++i)
        if (results[i].nbytes() != results[i].shape(0) * fresh[i].bytes) return false;
    return true;
}

Py_ssize_t Replay::epoch(const std::vector<py::array>& arrays, const py::array& order, Py_ssize_t batch,
                         Py_ssize_t begin, Py_ssize_t end, const std::vector<py::array>& results) {
    const auto* rows = static_cast<const std::int64_t*>(order.data());
    std::vector<py::object> batches; // one of every argument
    for (const py::array& array : arrays) {
        std::vector<Py_ssize_t> shape(array.shape(), array.shape() + array.ndim());
        shape[0] = batch;
        batches.push_back(new_array(array.dtype(), shape));
    }
    if (!fits_batches(batches, results)) return 0;
    for (Py_ssize_t s = begin; s < end; ++s) {
        // Between two steps others may run the program: handlers of signals, and threads, which would otherwise wait
        // for the whole epoch where a step is too short to give the GIL away.
        if (PyErr_CheckSignals()) throw py::error_already_set();
        if (s % 64 == 0) py::gil_scoped_release others;
        const Turn turn(*this);
        if (!is_valid()) return s - begin;
        draw();
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            const Input& input = inputs[i];
            if (!input.is_used) continue;
            char* to = input.movable < 0 ? input.memory : memory_of(batches[i]);
            const auto bytes = arrays[i].nbytes() / arrays[i].shape(0);
            gather(to, row_of(arrays[i], 0, 0), rows + s * batch, batch, std::size_t(bytes), arrays[i].shape(0));
            if (input.movable >= 0) program.point(std::size_t(input.movable), to);
        }
        for (std::size_t i = 0; i < fresh.size(); ++i)
            if (fresh[i].movable >= 0)
                program.point(std::size_t(fresh[i].movable), row_of(results[i], s, fresh[i].bytes));
        program.run();
        for (std::size_t i = 0; i < fresh.size(); ++i)
            if (fresh[i].movable < 0)
                std::memcpy(row_of(results[i], s, fresh[i].bytes), fresh[i].memory, std::size_t(fresh[i].bytes));
        finish(nullptr);
    }
    return end - begin;
}

} // namespace fastgrad
