#include "update.hpp"

#include <vector>

namespace fastgrad::tape {
namespace {

// A list or tuple, to go over; another thread may change a list meanwhile.
py::object as_tuple(py::handle sequence) {
    PyObject* tuple = PySequence_Tuple(sequence.ptr());
    if (!tuple) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(tuple);
}

py::object make_tuple(std::vector<py::object>& items) {
    py::object tuple = py::reinterpret_steal<py::object>(PyTuple_New(Py_ssize_t(items.size())));
    if (!tuple) throw py::error_already_set();
    for (std::size_t i = 0; i < items.size(); ++i)
        PyTuple_SET_ITEM(tuple.ptr(), Py_ssize_t(i), items[i].release().ptr());
    return tuple;
}

} // namespace

py::object with_gradients(py::handle tensors) {
    const py::object all = as_tuple(tensors);
    const Py_ssize_t n = PyTuple_GET_SIZE(all.ptr());
    std::vector<py::object> with, arrays, gradients;
    with.reserve(std::size_t(n)), arrays.reserve(std::size_t(n)), gradients.reserve(std::size_t(n));
    for (Py_ssize_t i = 0; i < n; ++i) {
        const py::handle t = PyTuple_GET_ITEM(all.ptr(), i);
        const py::object grad = attribute(t, names.grad);
        if (grad.is_none()) continue;
        with.push_back(py::reinterpret_borrow<py::object>(t));
        arrays.push_back(attribute(t, names.data));
        gradients.push_back(attribute(grad, names.data));
    }
    const bool every = with.size() == std::size_t(n);
    return py::make_tuple(every ? all : make_tuple(with), make_tuple(arrays), make_tuple(gradients));
}

bool are_same(py::handle a, py::handle b) {
    const py::object x = as_tuple(a), y = as_tuple(b);
    const Py_ssize_t n = PyTuple_GET_SIZE(x.ptr());
    if (PyTuple_GET_SIZE(y.ptr()) != n) return false;
    for (Py_ssize_t i = 0; i < n; ++i)
        if (PyTuple_GET_ITEM(x.ptr(), i) != PyTuple_GET_ITEM(y.ptr(), i)) return false;
    return true;
}

void count_changes(py::handle tensors) {
    const py::object all = as_tuple(tensors);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(all.ptr()); ++i) {
        const py::handle t = PyTuple_GET_ITEM(all.ptr(), i);
        if (!PyObject_TypeCheck(t.ptr(), classes.value_base))
            throw py::type_error(std::string("count_changes(): argument 'tensors' holds a ") +
                                 Py_TYPE(t.ptr())->tp_name + ", expected Tensors");
        const py::object version = load(as<Value>(t), as<Value>(t)->version);
        if (version && Py_TYPE(version.ptr()) == classes.version) ++as<Version>(version)->count;
    }
}

} // namespace fastgrad::tape
