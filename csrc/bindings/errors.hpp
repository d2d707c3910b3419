// Errors of the bindings: kernel, argument, what was given, what was expected.
#pragma once

#include <charconv>
#include <initializer_list>
#include <string>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

namespace fastgrad {

namespace py = pybind11;

inline std::string message(const char* kernel, const char* argument, const std::string& given,
                           const std::string& expected) {
    return std::string(kernel) + "(): argument '" + argument + "' is " + given + ", expected " + expected;
}
[[noreturn]] inline void bad_value(const char* kernel, const char* argument, const std::string& given,
                                   const std::string& expected) {
    throw py::value_error(message(kernel, argument, given, expected));
}
[[noreturn]] inline void bad_type(const char* kernel, const char* argument, const std::string& given,
                                  const std::string& expected) {
    throw py::type_error(message(kernel, argument, given, expected));
}
[[noreturn]] inline void bad_index(const char* kernel, const char* argument, const std::string& given,
                                   const std::string& expected) {
    throw py::index_error(message(kernel, argument, given, expected));
}

inline std::string type_name(py::handle object) { return Py_TYPE(object.ptr())->tp_name; }
template <class Array> std::string dtype_name(const Array& a) { return "of dtype " + std::string(py::str(a.dtype())); }
// As Python writes it. Without Python: checks also run without the GIL.
inline std::string number_text(double x) {
    char digits[32];
    const std::string text(digits, std::to_chars(digits, digits + sizeof digits, x).ptr);
    return text.find_first_not_of("-0123456789") == std::string::npos ? text + ".0" : text;
}

template <class Sizes> std::string shape_text(const Sizes& sizes) {
    std::string text = "of shape (";
    std::size_t count = 0;
    for (const auto n : sizes) text += (count++ ? ", " : "") + std::to_string(n);
    return text + (count == 1 ? ",)" : ")");
}

} // namespace fastgrad
