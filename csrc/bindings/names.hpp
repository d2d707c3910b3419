// What replay looks up in Python objects at every call: by names made once, with errors as C++ exceptions.
#pragma once

#include <pybind11/pybind11.h>

namespace fastgrad {

namespace py = pybind11;

// Names that every call looks up, made once.
struct Name {
    PyObject* text;
    explicit Name(const char* name) : text(PyUnicode_InternFromString(name)) {}
};
struct Names {
    Name lr{"lr"}, momentum{"momentum"}, dampening{"dampening"}, weight_decay{"weight_decay"}, l1{"l1"},
        nesterov{"nesterov"}, maximize{"maximize"}, betas{"betas"}, eps{"eps"}, amsgrad{"amsgrad"},
        decoupled{"decoupled_weight_decay"}, params{"params"}, step{"step"}, param_groups{"param_groups"},
        state{"state"}, enabled{"enabled"}, precision{"precision"}, seed{"_seed"}, offset{"_offset"};
};
inline const Names& names() {
    static const Names& the = *new Names;
    return the;
}

// A new reference to an attribute, or a thrown Python error.
inline py::object attribute(py::handle object, const Name& name) {
    PyObject* found = PyObject_GetAttr(object.ptr(), name.text);
    if (!found) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(found);
}

inline PyObject* item(py::handle dict, const Name& key) { // borrowed
    PyObject* found = PyDict_GetItemWithError(dict.ptr(), key.text);
    if (!found) {
        if (!PyErr_Occurred()) PyErr_SetObject(PyExc_KeyError, key.text);
        throw py::error_already_set();
    }
    return found;
}

inline double number(PyObject* object) {
    if (PyFloat_CheckExact(object)) return PyFloat_AS_DOUBLE(object);
    const double value = PyFloat_AsDouble(object);
    if (value == -1 && PyErr_Occurred()) throw py::error_already_set();
    return value;
}

inline double number(py::handle dict, const Name& key) { return number(item(dict, key)); }

inline bool truth(PyObject* object) {
    const int yes = PyObject_IsTrue(object);
    if (yes < 0) throw py::error_already_set();
    return yes;
}

inline bool truth(py::handle dict, const Name& key) { return truth(item(dict, key)); }

inline long long integer(PyObject* object) {
    const long long value = PyLong_AsLongLong(object);
    if (value == -1 && PyErr_Occurred()) throw py::error_already_set();
    return value;
}

} // namespace fastgrad
