// Activations: the list as Python sees it, and their kernels over whole arrays.
#define FASTGRAD_SET plain // only the descriptions are used here, no vectors
#include "../cpu/simd.hpp"
#include "../fastgrad/activations.hpp"

#include <cmath>

#include "activation.hpp"
#include "arrays.hpp"
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

void forward(py::handle y, py::handle x, const PyActivation& f) {
    by_dtype("activation_forward", "y", y, [&]<class T>(T) {
        Arguments<T> arguments("activation_forward");
        const py::array& out = arguments.typed("y", y);
        T* y_data = arguments.output_like("y", y, out);
        const T* x_data = arguments.input_like("x", x, out);
        arguments.check_overlap(true);
        const Size n = out.size();
        launch(double(n), kernels<T>().activation_forward, y_data, x_data, n, f.bound);
    });
}

void backward(py::handle dx, py::handle dy, py::handle saved, const PyActivation& f) {
    by_dtype("activation_backward", "dx", dx, [&]<class T>(T) {
        Arguments<T> arguments("activation_backward");
        const py::array& out = arguments.typed("dx", dx);
        T* dx_data = arguments.output_like("dx", dx, out);
        const T* dy_data = arguments.input_like("dy", dy, out);
        const T* saved_data = arguments.input_like("saved", saved, out);
        arguments.check_overlap(true);
        const Size n = out.size();
        launch(double(n), kernels<T>().activation_backward, dx_data, dy_data, saved_data, n, f.bound);
    });
}

void prelu_shapes(const char* kernel, const py::array& x, py::handle a, Size& slopes) {
    if (x.ndim() != 3) bad_value(kernel, "x", shape_text(shape_of(x)), "shape (outer, channels, inner)");
    const py::array& slope = as_array(kernel, "a", a);
    slopes = slope.ndim() == 1 && slope.shape(0) == 1 ? 1 : x.shape(1);
}

void prelu_forward(py::handle y, py::handle x, py::handle a) {
    by_dtype("prelu_forward", "x", x, [&]<class T>(T) {
        Arguments<T> arguments("prelu_forward");
        const py::array& in = arguments.typed("x", x);
        Size slopes = 0;
        prelu_shapes("prelu_forward", in, a, slopes);
        T* y_data = arguments.output_like("y", y, in);
        const T* x_data = arguments.input_like("x", x, in);
        const T* a_data = arguments.input("a", a, {slopes});
        arguments.check_overlap();
        const Size outer = in.shape(0), channels = in.shape(1), inner = in.shape(2);
        launch(double(outer * channels * inner), kernels<T>().prelu_forward, y_data, x_data, a_data, outer, channels,
               inner, slopes == 1);
    });
}

void prelu_backward(py::handle dx, py::handle da, py::handle dy, py::handle x, py::handle a) {
    by_dtype("prelu_backward", "x", x, [&]<class T>(T) {
        Arguments<T> arguments("prelu_backward");
        const py::array& in = arguments.typed("x", x);
        Size slopes = 0;
        prelu_shapes("prelu_backward", in, a, slopes);
        T* dx_data = dx.is_none() ? nullptr : arguments.output_like("dx", dx, in);
        T* da_data = arguments.output_or_null("da", da, {slopes});
        const T* dy_data = arguments.input_like("dy", dy, in);
        const T* x_data = arguments.input_like("x", x, in);
        const T* a_data = arguments.input("a", a, {slopes});
        arguments.check_overlap();
        const Size outer = in.shape(0), channels = in.shape(1), inner = in.shape(2);
        launch(double(outer * channels * inner), kernels<T>().prelu_backward, dx_data, da_data, dy_data, x_data, a_data,
               outer, channels, inner, slopes == 1);
    });
}

} // namespace

const ActivationInfo& activation_info(int index) { return *entries[index].info; }

void bind_activations(py::module_& m) {
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
    def<forward>(m, "activation_forward", {"y", "x", "activation"}, "y = f(x); y may be x.");
    def<backward>(m, "activation_backward", {"dx", "dy", "saved", "activation"}, "dx = dy f'(saved); dx may be dy.");
    def<prelu_forward>(m, "prelu_forward", {"y", "x", "a"},
                       "y = x if x > 0 else a x, for x (outer, channels, inner) and a (channels,) or (1,).");
    def<prelu_backward>(m, "prelu_backward", {"dx", "da", "dy", "x", "a"},
                        "The gradients of prelu_forward; dx and da may be None.");
}

} // namespace fastgrad
