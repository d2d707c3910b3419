// A C++ function as a function of a Python module that costs little to call: no dispatch over overloads, no copies of
// arguments. Its parameters are handles, numbers, texts and whatever else From has a conversion for.
#pragma once

#include <array>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <string>
#include <utility>

#include "errors.hpp"

namespace fastgrad {

// What a call needs to know of its function.
struct Signature {
    const char* name;
    const char* const* arguments;
    Py_ssize_t required, count;
};

// From<T>::convert(signature, i, object) makes argument number i a T, or throws.
template <class T> struct From;

template <> struct From<py::handle> {
    static constexpr const char* type = "object";
    static py::handle convert(const Signature&, Py_ssize_t, PyObject* o) { return o; }
};
template <> struct From<double> {
    static constexpr const char* type = "float";
    static double convert(const Signature& s, Py_ssize_t i, PyObject* o) {
        if (PyFloat_CheckExact(o)) return PyFloat_AS_DOUBLE(o);
        const double x = PyFloat_AsDouble(o);
        if (x == -1 && PyErr_Occurred()) {
            PyErr_Clear();
            bad_type(s.name, s.arguments[i], "a " + type_name(o), "a number");
        }
        return x;
    }
};
template <> struct From<bool> {
    static constexpr const char* type = "bool";
    static bool convert(const Signature&, Py_ssize_t, PyObject* o) {
        if (!o || o == Py_False) return false;
        if (o == Py_True) return true;
        const int yes = PyObject_IsTrue(o);
        if (yes < 0) throw py::error_already_set();
        return yes == 1;
    }
};
template <class T> struct FromInteger {
    static constexpr const char* type = "int";
    static T convert(const Signature& s, Py_ssize_t i, PyObject* o) {
        const py::object number = py::reinterpret_steal<py::object>(PyNumber_Index(o));
        if (!number) {
            PyErr_Clear();
            bad_type(s.name, s.arguments[i], "a " + type_name(o), "an integer");
        }
        T x;
        if constexpr (std::is_signed_v<T>) x = PyLong_AsLongLong(number.ptr());
        else x = PyLong_AsUnsignedLongLong(number.ptr());
        if (PyErr_Occurred()) {
            PyErr_Clear();
            bad_type(s.name, s.arguments[i], py::str(number),
                     std::is_signed_v<T> ? "an integer of 64 bits" : "an integer of 64 bits that is not negative");
        }
        return x;
    }
};
template <> struct From<std::int64_t> : FromInteger<std::int64_t> {};
template <> struct From<std::uint64_t> : FromInteger<std::uint64_t> {};
template <> struct From<std::string> {
    static constexpr const char* type = "str";
    static std::string convert(const Signature& s, Py_ssize_t i, PyObject* o) {
        Py_ssize_t size = 0;
        const char* text = PyUnicode_Check(o) ? PyUnicode_AsUTF8AndSize(o, &size) : nullptr;
        if (!text) {
            PyErr_Clear();
            bad_type(s.name, s.arguments[i], "a " + type_name(o), "a str");
        }
        return {text, std::size_t(size)};
    }
};

// Puts the arguments of a call that names some of them, or leaves some out, in their places; null where there is none.
inline void arrange(const Signature& s, PyObject* const* given, Py_ssize_t positional, PyObject* names,
                    PyObject** placed) {
    const std::string function = std::string(s.name) + "()";
    if (positional > s.count)
        throw py::type_error(function + " takes " + std::to_string(s.count) + " arguments, " +
                             std::to_string(positional) + " given");
    for (Py_ssize_t i = 0; i < s.count; ++i) placed[i] = i < positional ? given[i] : nullptr;
    for (Py_ssize_t k = 0; k < (names ? PyTuple_GET_SIZE(names) : 0); ++k) {
        PyObject* const name = PyTuple_GET_ITEM(names, k);
        Py_ssize_t i = 0;
        while (i < s.count && PyUnicode_CompareWithASCIIString(name, s.arguments[i])) ++i;
        if (i == s.count)
            throw py::type_error(function + " has no argument '" + std::string(py::str(py::handle(name))) + "'");
        if (placed[i]) throw py::type_error(function + " got argument '" + s.arguments[i] + "' twice");
        placed[i] = given[positional + k];
    }
    for (Py_ssize_t i = 0; i < s.required; ++i)
        if (!placed[i]) throw py::type_error(function + " lacks argument '" + s.arguments[i] + "'");
}

// Makes the exception in flight Python's.
inline void raise_in_python() {
    try {
        throw;
    } catch (py::error_already_set& e) { e.restore(); } catch (const py::builtin_exception& e) {
        e.set_error();
    } catch (const std::bad_alloc& e) {
        PyErr_SetString(PyExc_MemoryError, e.what());
    } catch (const std::exception& e) { PyErr_SetString(PyExc_RuntimeError, e.what()); }
}

inline PyObject* to_python(bool yes) { return PyBool_FromLong(yes); }
inline PyObject* to_python(py::object o) { return o.release().ptr(); }

// Another device: the class of its arrays, and the module whose functions of the same names compute with them. A call
// with such an array among its arguments, or first in a list or tuple among them, goes there. Null where there is none.
struct OtherDevice {
    PyTypeObject* array = nullptr;
    PyObject* module = nullptr;

    bool has(PyObject* o) const {
        if (PyList_CheckExact(o) && PyList_GET_SIZE(o) > 0) o = PyList_GET_ITEM(o, 0);
        else if (PyTuple_CheckExact(o) && PyTuple_GET_SIZE(o) > 0) o = PyTuple_GET_ITEM(o, 0);
        return Py_TYPE(o) == array;
    }
    bool has_any(PyObject* const* objects, Py_ssize_t count) const {
        for (Py_ssize_t i = 0; array && i < count; ++i)
            if (has(objects[i])) return true;
        return false;
    }
    PyObject* call(const char* name, PyObject* const* given, Py_ssize_t positional, PyObject* names) const {
        const py::object f = py::reinterpret_steal<py::object>(PyObject_GetAttrString(module, name));
        return f ? PyObject_Vectorcall(f.ptr(), given, std::size_t(positional), names) : nullptr;
    }
};
inline OtherDevice other_device;

template <auto function> struct Fastcall;
template <class R, class... A, R (*function)(A...)> struct Fastcall<function> {
    static constexpr std::size_t count = sizeof...(A);
    static inline std::array<const char*, count + 1> arguments{};
    static inline Signature signature{};
    static inline PyMethodDef definition{};
    static inline std::string doc;

    static PyObject* call(PyObject*, PyObject* const* given, Py_ssize_t positional, PyObject* names) {
        const Py_ssize_t named = names ? PyTuple_GET_SIZE(names) : 0;
        if (other_device.has_any(given, positional + named))
            return other_device.call(signature.name, given, positional, names);
        try {
            if (positional == Py_ssize_t(count) && !names) return run(given, std::index_sequence_for<A...>());
            std::array<PyObject*, count + 1> placed;
            arrange(signature, given, positional, names, placed.data());
            return run(placed.data(), std::index_sequence_for<A...>());
        } catch (...) {
            raise_in_python();
            return nullptr;
        }
    }
    template <std::size_t... i> static PyObject* run(PyObject* const* a, std::index_sequence<i...>) {
        if constexpr (std::is_void_v<R>) {
            function(From<std::decay_t<A>>::convert(signature, Py_ssize_t(i), a[i])...);
            return py::none().release().ptr();
        } else {
            return to_python(function(From<std::decay_t<A>>::convert(signature, Py_ssize_t(i), a[i])...));
        }
    }
    // As pybind11 writes it, for the generator of stubs: f(x: object, p: float) -> None
    static std::string text(const char* name) {
        const std::array<const char*, count + 1> types{From<std::decay_t<A>>::type..., nullptr};
        std::string s = std::string(name) + "(";
        for (std::size_t i = 0; i < count; ++i) s += std::string(i ? ", " : "") + arguments[i] + ": " + types[i];
        return s + ") -> " + (std::is_void_v<R> ? "None" : std::is_same_v<R, bool> ? "bool" : "object");
    }
};

// Defines `name` in `m`. A function may take fewer than all arguments if it can handle null handles (and false): the
// first `required` ones must be given.
template <auto function> void def(py::module_& m, const char* name, std::initializer_list<const char*> arguments,
                                  const char* doc, int required = -1) {
    using F = Fastcall<function>;
    if (arguments.size() != F::count) throw std::logic_error(std::string(name) + ": a name for each argument");
    std::copy(arguments.begin(), arguments.end(), F::arguments.begin());
    F::signature = {name, F::arguments.data(), required < 0 ? Py_ssize_t(F::count) : required, Py_ssize_t(F::count)};
    F::doc = F::text(name) + "\n\n" + doc + "\n";
    F::definition = {name, reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&F::call)),
                     METH_FASTCALL | METH_KEYWORDS, F::doc.c_str()};
    PyObject* f = PyCFunction_NewEx(&F::definition, nullptr, m.attr("__name__").ptr());
    if (!f) throw py::error_already_set();
    m.attr(name) = py::reinterpret_steal<py::object>(f);
}

} // namespace fastgrad
