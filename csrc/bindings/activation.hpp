// The Python object that stands for an activation with its parameters.
#pragma once

#include <vector>

#include <pybind11/typing.h>

#include "../fastgrad/kernels.hpp"
#include "fastcall.hpp"

namespace fastgrad {

struct PyActivation {
    BoundActivation bound;
    std::vector<double> parameters;
};

const ActivationInfo& activation_info(int index);

using OptionalActivation = py::typing::Optional<PyActivation>;

// The activation in a Python object, or null. (Found by its class: pybind11's casters look classes up in tables.)
inline const PyActivation* as_activation(py::handle f) {
    static PyTypeObject* const type = reinterpret_cast<PyTypeObject*>(py::type::of<PyActivation>().release().ptr());
    if (Py_TYPE(f.ptr()) == type)
        if (const auto* instance = reinterpret_cast<const py::detail::instance*>(f.ptr()); instance->simple_layout)
            if (const void* held = instance->simple_value_holder[0]) return static_cast<const PyActivation*>(held);
    return py::isinstance<PyActivation>(f) ? &f.cast<const PyActivation&>() : nullptr;
}

inline BoundActivation bound_or_identity(const char* kernel, const OptionalActivation& f) {
    if (f.is_none()) return {};
    const PyActivation* activation = as_activation(f);
    if (!activation) bad_type(kernel, "activation", "a " + type_name(f), "an Activation or None");
    return activation->bound;
}

template <> struct From<PyActivation> {
    static constexpr const char* type = "fastgrad._cpu.Activation";
    static const PyActivation& convert(const Signature& s, Py_ssize_t i, PyObject* o) {
        const PyActivation* activation = as_activation(o);
        if (!activation) bad_type(s.name, s.arguments[i], "a " + type_name(o), "an Activation");
        return *activation;
    }
};
template <> struct From<OptionalActivation> {
    static constexpr const char* type = "fastgrad._cpu.Activation | None";
    static OptionalActivation convert(const Signature&, Py_ssize_t, PyObject* o) {
        return py::reinterpret_borrow<OptionalActivation>(o);
    }
};

} // namespace fastgrad
