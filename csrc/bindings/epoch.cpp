// A whole epoch of a program: rows gathered, steps run, results collected.
#include "arrays.hpp"
#include "replay.hpp"

namespace fastgrad {

bool ArraySpec::fits_rows_of(const Array& table, Py_ssize_t batch) const {
    if (!has_dtype(table, dtype) || table.ndim() != Py_ssize_t(shape.size()) || table.ndim() == 0) return false;
    Py_ssize_t step = dtype.itemsize();
    for (std::size_t i = shape.size(); i-- > 0;) {
        const Py_ssize_t n = i ? table.shape()[i] : batch;
        if (n != shape[i] || (n > 1 && strides[i] != step)) return false;
        step *= n;
    }
    return true;
}

bool Replay::fits_epoch(const std::vector<py::object>& arrays, Py_ssize_t batch,
                        const std::vector<py::object>& results) const {
    if (arrays.size() != inputs.size() || results.size() != fresh.size()) return false;
    for (std::size_t i = 0; i < inputs.size(); ++i)
        if (!inputs[i].is_tensor || inputs[i].requires_grad ||
            !inputs[i].spec.fits_rows_of(as_array("epoch", "arrays", arrays[i]), batch))
            return false;
    for (std::size_t i = 0; i < fresh.size(); ++i) {
        const Array& lines = as_array("epoch", "results", results[i]);
        if (lines.nbytes() != lines.shape()[0] * fresh[i].bytes) return false;
    }
    return true;
}

Py_ssize_t Replay::epoch(const std::vector<py::object>& arrays, const py::object& order, Py_ssize_t batch,
                         Py_ssize_t begin, Py_ssize_t end, const std::vector<py::object>& results) {
    if (!fits_epoch(arrays, batch, results)) return 0;
    Arguments<std::int64_t> arguments(program_name);
    const Array& rows = as_array("epoch", "order", order);
    const std::int64_t* numbers = arguments.index("order", order, rows.shape()[0]);
    std::vector<const char*> tables;
    std::vector<char*> lines;
    for (const py::object& array : arrays) tables.push_back(static_cast<const char*>(array_of(array).data()));
    for (const py::object& result : results)
        lines.push_back(static_cast<char*>(const_cast<void*>(array_of(result).data())));
    const Py_ssize_t count = arrays.empty() ? 0 : array_of(arrays[0]).shape()[0];
    for (Py_ssize_t s = begin; s < end; ++s) {
        // Between two steps others may run the program: handlers of signals, and threads, which would otherwise wait
        // for the whole epoch where a step is too short to give the GIL away.
        if (PyErr_CheckSignals()) throw py::error_already_set();
        if (s % 64 == 0) py::gil_scoped_release others;
        const Turn turn(*this);
        if (!is_valid()) return s - begin;
        begin_call(program_name);
        draw();
        runner.begin({numbers, batch, s});
        for (std::size_t i = 0; i < inputs.size(); ++i)
            if (inputs[i].is_used) runner.bring_rows(inputs[i].place, tables[i], count);
        for (std::size_t i = 0; i < fresh.size(); ++i) runner.send_line(fresh[i], lines[i]);
        runner.run();
        finish(nullptr);
    }
    return end - begin;
}

} // namespace fastgrad
