// Activations over whole arrays.
#include "activation.hpp"
#include "arrays.hpp"
#include "module.hpp"

namespace fastgrad {
namespace {

void forward(py::handle y, py::handle x, const PyActivation& f) {
    by_dtype("activation_forward", "y", y, [&]<class T>(T) {
        Arguments<T> arguments("activation_forward");
        const Array& out = arguments.typed("y", y);
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
        const Array& out = arguments.typed("dx", dx);
        T* dx_data = arguments.output_like("dx", dx, out);
        const T* dy_data = arguments.input_like("dy", dy, out);
        const T* saved_data = arguments.input_like("saved", saved, out);
        arguments.check_overlap(true);
        const Size n = out.size();
        launch(double(n), kernels<T>().activation_backward, dx_data, dy_data, saved_data, n, f.bound);
    });
}

void prelu_shapes(const char* kernel, const Array& x, py::handle a, Size& slopes) {
    if (x.ndim() != 3) bad_value(kernel, "x", shape_text(shape_of(x)), "shape (outer, channels, inner)");
    const Array& slope = as_array(kernel, "a", a);
    slopes = slope.ndim() == 1 && slope.shape(0) == 1 ? 1 : x.shape(1);
}

void prelu_forward(py::handle y, py::handle x, py::handle a) {
    by_dtype("prelu_forward", "x", x, [&]<class T>(T) {
        Arguments<T> arguments("prelu_forward");
        const Array& in = arguments.typed("x", x);
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
        const Array& in = arguments.typed("x", x);
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

void bind_activations(py::module_& m) {
    def<forward>(m, "activation_forward", {"y", "x", "activation"}, "y = f(x); y may be x.");
    def<backward>(m, "activation_backward", {"dx", "dy", "saved", "activation"}, "dx = dy f'(saved); dx may be dy.");
    def<prelu_forward>(m, "prelu_forward", {"y", "x", "a"},
                       "y = x if x > 0 else a x, for x (outer, channels, inner) and a (channels,) or (1,).");
    def<prelu_backward>(m, "prelu_backward", {"dx", "da", "dy", "x", "a"},
                        "The gradients of prelu_forward; dx and da may be None.");
}

} // namespace fastgrad
