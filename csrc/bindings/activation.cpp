// Activations: the list as Python sees it.
#define FASTGRAD_SET plain // only the descriptions are used here, no vectors
#include "../cpu/simd.hpp"
#include "../fastgrad/activations.hpp"

#include <cmath>

#include "activation.hpp"
#include "module.hpp"

#include <pybind11/stl.h>

namespace fastgrad {
namespace {

struct Entry {
    const ActivationInfo* info;
    Reads (*reads)(Parameters<double>);
};
#define FASTGRAD_ENTRY(A) {&plain::A::info, plain::A::reads},
using namespace plain;
constexpr Entry entries[] = {FASTGRAD_ACTIVATIONS(FASTGRAD_ENTRY)};

const char* text(Reads reads) {
    return reads == Reads::output ? "output" : reads == Reads::input ? "input" : "nothing";
}

PyActivation make_activation(const std::string& name, const py::args& arguments) {
    int index = 0;
    std::string names;
    for (const Entry& e : entries) {
        if (name == e.info->name) break;
        names += std::string(names.empty() ? "'" : ", '") + e.info->name + "'";
        ++index;
    }
    if (index == int(std::size(entries))) bad_value("Activation", "name", "'" + name + "'", "one of " + names);
    const ActivationInfo& info = *entries[index].info;
    if (int(arguments.size()) > info.parameter_count)
        throw py::type_error("Activation(): '" + name + "' takes " + std::to_string(info.parameter_count) +
                             " parameters, " + std::to_string(arguments.size()) + " given");
    PyActivation f;
    for (int i = 0; i < info.parameter_count; ++i) {
        const ParameterInfo& p = info.parameters[i];
        double value = p.value;
        if (i < int(arguments.size())) {
            value = PyFloat_AsDouble(arguments[std::size_t(i)].ptr());
            if (value == -1 && PyErr_Occurred()) {
                PyErr_Clear();
                bad_type(info.name, p.name, "a " + type_name(arguments[std::size_t(i)]), "a number");
            }
        }
        if (p.domain == Domain::not_nan ? std::isnan(value) : !std::isfinite(value))
            bad_value(info.name, p.name, number_text(value),
                      p.domain == Domain::not_nan ? "a number" : "a finite number");
        if (p.domain == Domain::finite_nonzero && value == 0)
            bad_value(info.name, p.name, number_text(value), "a number other than 0");
        f.parameters.push_back(value);
    }
    if (name == "hardtanh" && !(f.parameters[0] <= f.parameters[1]))
        bad_value(info.name, "max_val", number_text(f.parameters[1]),
                  "at least min_val = " + number_text(f.parameters[0]));
    f.bound.index = index;
    if (info.parameter_count > 0) f.bound.parameters.a = f.parameters[0];
    if (info.parameter_count > 1) f.bound.parameters.b = f.parameters[1];
    f.bound.reads = entries[index].reads(f.bound.parameters);
    return f;
}

py::list activations() {
    py::list list;
    for (const Entry& e : entries) {
        const ActivationInfo& info = *e.info;
        py::list parameters;
        double defaults[2] = {0, 0};
        for (int i = 0; i < info.parameter_count; ++i) {
            const ParameterInfo& p = info.parameters[i];
            defaults[i] = p.value;
            parameters.append(py::dict(py::arg("name") = p.name, py::arg("doc") = p.doc, py::arg("default") = p.value));
        }
        list.append(py::dict(py::arg("name") = info.name, py::arg("module") = info.module,
                             py::arg("formula") = info.formula, py::arg("derivative") = info.derivative,
                             py::arg("source") = info.source, py::arg("parameters") = parameters,
                             py::arg("reads") = text(e.reads({defaults[0], defaults[1]}))));
    }
    return list;
}

py::tuple arguments_of(const PyActivation& f) {
    py::list list;
    list.append(activation_info(f.bound.index).name);
    for (const double p : f.parameters) list.append(p);
    return py::tuple(list);
}

} // namespace

const ActivationInfo& activation_info(int index) { return *entries[index].info; }

void bind_activation_list(py::module_& m) {
    py::class_<PyActivation>(m, "Activation", "An activation with its parameters; immutable.")
        .def(py::init(&make_activation), py::arg("name"))
        .def_property_readonly("name", [](const PyActivation& f) { return activation_info(f.bound.index).name; })
        .def_property_readonly("parameters", [](const PyActivation& f) { return py::tuple(py::cast(f.parameters)); })
        .def_property_readonly(
            "reads", [](const PyActivation& f) { return text(f.bound.reads); },
            "What the derivative is computed from: 'output', 'input' or 'nothing'.")
        .def("__repr__", [](const PyActivation& f) { return "Activation" + std::string(py::repr(arguments_of(f))); })
        .def("__hash__", [](const PyActivation& f) { return py::hash(arguments_of(f)); })
        .def("__eq__",
             [](const PyActivation& f, py::handle other) {
                 return py::isinstance<PyActivation>(other) &&
                        arguments_of(f).equal(arguments_of(other.cast<const PyActivation&>()));
             })
        .def("__reduce__",
             [](const PyActivation& f) { return py::make_tuple(py::type::of<PyActivation>(), arguments_of(f)); });
    m.def("activations", &activations,
          "Every activation: name, module, formula, derivative, source, parameters, reads.");
}

} // namespace fastgrad
