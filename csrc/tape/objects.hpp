// What the tape is made of, as Python objects: Version, Value (the base of Tensor), Leaf, Node.
//
// Node and Leaf are the bases of the classes of these names in fastgrad.autograd.node, which add what is only for
// people to read.
#pragma once

#include <cstdint>
#include <utility>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

namespace fastgrad::tape {

namespace py = pybind11;

struct Version {
    PyObject_HEAD Py_ssize_t count;
    PyObject* aliases; // list of weak references to the views, or null
};

struct Value {
    PyObject_HEAD PyObject *data, *grad, *node, *version, *base; // null counts as None
    PyObject* weakrefs;
};

struct Leaf {
    PyObject_HEAD PyObject* tensor; // weak reference: nobody can ask a dead tensor for its gradient
    PyObject *hooks, *post_hooks;
};

// A piece of memory that a rule reads, and how often it had been changed when that was recorded.
struct Saved {
    Version* version;
    Py_ssize_t count;
};

struct Node {
    PyObject_HEAD std::int64_t order; // smaller for nodes made later
    PyObject *rule, *edges, *hooks, *label;
    PyObject* constants; // a tuple that the rule gets after dy and needs, or null
    Saved* saved;        // in `few`, or memory of its own
    Py_ssize_t saved_count;
    Saved few[3];
    PyObject* weakrefs;
};

// The classes. `value` and `node` are what the tape makes: Tensor and fastgrad.autograd.node.Node, once they are known.
struct Classes {
    PyTypeObject *version, *value_base, *leaf_base, *node_base;
    PyTypeObject *value, *node;
};
extern Classes classes;

// Names of attributes. data and grad of a tensor are always reached by name, so that a class may put something in
// their place.
struct Names {
    PyObject *data, *grad, *base, *dtype, *size, *flags, *c_contiguous, *f_contiguous, *qualname, *popitem;
};
extern Names names;

void make_classes(py::module_& m);
Value* new_value(); // of the class of results, without data and version

// What a field holds; another thread may assign to it meanwhile.
inline py::object load(void* owner, PyObject* const& field) {
#ifdef Py_GIL_DISABLED
    PyObject* held = nullptr;
    Py_BEGIN_CRITICAL_SECTION(static_cast<PyObject*>(owner));
    held = Py_XNewRef(field);
    Py_END_CRITICAL_SECTION();
    return py::reinterpret_steal<py::object>(held);
#else
    (void)owner;
    return py::reinterpret_borrow<py::object>(field);
#endif
}
inline py::object exchange(void* owner, PyObject*& field, PyObject* stolen) {
    PyObject* before = nullptr;
#ifdef Py_GIL_DISABLED
    Py_BEGIN_CRITICAL_SECTION(static_cast<PyObject*>(owner));
    before = std::exchange(field, stolen);
    Py_END_CRITICAL_SECTION();
#else
    (void)owner;
    before = std::exchange(field, stolen);
#endif
    return py::reinterpret_steal<py::object>(before);
}

[[noreturn]] inline void rethrow() { throw py::error_already_set(); } // what Python has raised

// What a list or a tuple has now: another thread may change a list meanwhile.
inline py::object as_tuple(py::handle sequence) {
    PyObject* tuple = PySequence_Tuple(sequence.ptr()); // the same one if it is a tuple
    if (!tuple) rethrow();
    return py::reinterpret_steal<py::object>(tuple);
}

inline void put(py::handle dict, py::handle key, py::handle value) {
    if (PyDict_SetItem(dict.ptr(), key.ptr(), value.ptr())) rethrow();
}

inline bool is_none(const py::object& o) { return !o || o.is_none(); }

template <class T> T* as(py::handle o) { return reinterpret_cast<T*>(o.ptr()); }
template <class T> PyObject* object(T* p) { return reinterpret_cast<PyObject*>(p); }

inline py::object attribute(py::handle o, PyObject* name) {
    PyObject* value = PyObject_GetAttr(o.ptr(), name);
    if (!value) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(value);
}
inline void set_attribute(py::handle o, PyObject* name, py::handle value) {
    if (PyObject_SetAttr(o.ptr(), name, value.ptr())) throw py::error_already_set();
}
template <class T> T* allocate(PyTypeObject* type) {
    PyObject* o = type->tp_alloc(type, 0);
    if (!o) throw py::error_already_set();
    return reinterpret_cast<T*>(o);
}

// A function of fastgrad.autograd.engine, for what is not done here.
inline py::object engine(const char* name) { return py::module_::import("fastgrad.autograd.engine").attr(name); }

// An attribute of a module, for as long as the process lives.
inline py::handle kept(const char* module, const char* name) {
    return py::object(py::module_::import(module).attr(name)).release();
}

extern PyTypeObject* device_array; // the class of another device's arrays, or null
inline bool is_device_array(py::handle o) { return Py_TYPE(o.ptr()) == device_array; }

inline bool is_exact_array(py::handle o) {
    static PyTypeObject* const type = as<PyTypeObject>(kept("numpy", "ndarray"));
    return Py_TYPE(o.ptr()) == type;
}

bool& recording_enabled(); // of this thread

py::object wrap(py::handle y); // a tensor over y that requires no gradient

} // namespace fastgrad::tape
