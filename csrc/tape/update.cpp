#include "update.hpp"

namespace fastgrad::tape {
namespace {

py::object new_tuple(Py_ssize_t n) {
    PyObject* tuple = PyTuple_New(n);
    if (!tuple) rethrow();
    return py::reinterpret_steal<py::object>(tuple);
}
py::object first_of(py::object tuple, Py_ssize_t n) {
    if (PyTuple_GET_SIZE(tuple.ptr()) == n) return tuple;
    return py::reinterpret_steal<py::object>(PyTuple_GetSlice(tuple.ptr(), 0, n));
}

} // namespace

py::object with_gradients(py::handle tensors) {
    const py::object all = as_tuple(tensors);
    const Py_ssize_t n = PyTuple_GET_SIZE(all.ptr());
    py::object with = new_tuple(n), arrays = new_tuple(n), gradients = new_tuple(n);
    Py_ssize_t count = 0;
    for (Py_ssize_t i = 0; i < n; ++i) {
        const py::handle t = PyTuple_GET_ITEM(all.ptr(), i);
        const py::object grad = attribute(t, names.grad);
        if (grad.is_none()) continue;
        py::object array = attribute(t, names.data), gradient = attribute(grad, names.data);
        PyTuple_SET_ITEM(with.ptr(), count, t.inc_ref().ptr());
        PyTuple_SET_ITEM(arrays.ptr(), count, array.release().ptr());
        PyTuple_SET_ITEM(gradients.ptr(), count, gradient.release().ptr());
        ++count;
    }
    py::object result = new_tuple(3);
    PyTuple_SET_ITEM(result.ptr(), 0, first_of(std::move(with), count).release().ptr());
    PyTuple_SET_ITEM(result.ptr(), 1, first_of(std::move(arrays), count).release().ptr());
    PyTuple_SET_ITEM(result.ptr(), 2, first_of(std::move(gradients), count).release().ptr());
    return result;
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
