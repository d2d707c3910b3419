// How a call reaches the programs of a function, whichever device they are for.
#pragma once

#include "shared.hpp"

#include <pybind11/pybind11.h>

namespace fastgrad {

namespace py = pybind11;

// The result of a call with a tuple of arguments, or null without a Python error if there is no program for it.
struct Caller {
    static constexpr const char* name = "fastgrad.Caller";
    PyObject* (*call)(void* programs, PyObject* arguments);
    void* programs;
};

inline const Caller* caller_of(const py::object& programs) {
    const py::capsule capsule = programs.attr("_caller");
    return capsule.get_pointer<Caller>();
}

} // namespace fastgrad
