// The precision of a product as an argument.
#pragma once

#include "../fastgrad/kernels.hpp"
#include "fastcall.hpp"

namespace fastgrad {

// "highest", "high" or "medium"; None, or nothing, is "highest".
using OptionalPrecision = py::typing::Optional<py::str>;

inline Precision precision_of(const char* kernel, const OptionalPrecision& given) {
    if (!given || given.is_none()) return Precision::highest;
    if (!PyUnicode_Check(given.ptr())) bad_type(kernel, "precision", "a " + type_name(given), "a str or None");
    const auto is = [&](const char* name) { return PyUnicode_CompareWithASCIIString(given.ptr(), name) == 0; };
    if (is("highest")) return Precision::highest;
    if (is("high")) return Precision::high;
    if (is("medium")) return Precision::medium;
    bad_value(kernel, "precision", py::repr(given), "'highest', 'high' or 'medium'");
}

template <> struct From<OptionalPrecision> {
    static constexpr const char* type = "str | None";
    static OptionalPrecision convert(const Signature&, Py_ssize_t, PyObject* o) {
        return py::reinterpret_borrow<OptionalPrecision>(o);
    }
};

} // namespace fastgrad
