// linear and matmul.
#include "activation.hpp"
#include "arrays.hpp"
#include "module.hpp"
#include "new_arrays.hpp"
#include "precision.hpp"

namespace fastgrad {
namespace {

double product_cost(Size m, Size n, Size k) { return double(m) * double(n) * double(k) / 50; }

void linear_forward(py::handle y, py::handle z, py::handle x, py::handle w, py::handle b,
                    const OptionalActivation& activation, const OptionalPrecision& precision) {
    constexpr const char* name = "linear_forward";
    by_dtype(name, "x", x, [&]<class T>(T) {
        const Array &x_array = two_dimensional(name, "x", x), &w_array = two_dimensional(name, "w", w);
        const Size m = x_array.shape(0), k = x_array.shape(1), n = w_array.shape(0);
        Arguments<T> arguments(name);
        LinearForward<T> l{};
        l.m = m, l.n = n, l.k = k;
        l.w = arguments.matrix("w", w, n, k);
        l.x = arguments.matrix("x", x, m, k);
        l.b = arguments.input_or_null("b", b, {n});
        l.y = arguments.output("y", y, {m, n});
        l.z = arguments.output_or_null("z", z, {m, n});
        l.activation = bound_or_identity(name, activation);
        l.precision = precision_of(name, precision);
        if (l.z && l.activation.index < 0) bad_value(name, "z", "an array", "None when there is no activation");
        arguments.check_overlap();
        launch(product_cost(m, n, k) + double(m * n), kernels<T>().linear_forward, l);
    });
}

void linear_backward(py::handle dx, py::handle dw, py::handle db, py::handle dy, py::handle saved, py::handle x,
                     py::handle w, const OptionalActivation& activation, const OptionalPrecision& precision) {
    constexpr const char* name = "linear_backward";
    by_dtype(name, "dy", dy, [&]<class T>(T) {
        const Array& dy_array = two_dimensional(name, "dy", dy);
        LinearBackward<T> l{};
        l.m = dy_array.shape(0), l.n = dy_array.shape(1);
        if (!dw.is_none()) l.k = two_dimensional(name, "x", x).shape(1);
        else if (!dx.is_none()) l.k = two_dimensional(name, "w", w).shape(1);
        Arguments<T> arguments(name);
        if (!dw.is_none()) l.x = arguments.matrix("x", x, l.m, l.k);
        if (!dx.is_none()) l.w = arguments.matrix("w", w, l.n, l.k);
        l.dy = arguments.input("dy", dy, {l.m, l.n});
        l.activation = bound_or_identity(name, activation);
        if (l.activation.reads != Reads::nothing) l.saved = arguments.input("saved", saved, {l.m, l.n});
        l.dx = arguments.output_or_null("dx", dx, {l.m, l.k});
        if (!dw.is_none()) l.dw = arguments.output_any_order("dw", dw, l.n, l.k, l.dw_transposed);
        l.db = arguments.output_or_null("db", db, {l.n});
        l.precision = precision_of(name, precision);
        arguments.check_overlap();
        launch(product_cost(l.m, l.n, l.k) + double(l.m * l.n), kernels<T>().linear_backward, l);
    });
}

// (y, saved): saved is what linear_backward is to get, y or a new z, or None unless `recording`.
py::object make_linear_forward(py::handle x, py::handle w, py::handle b, const OptionalActivation& activation,
                               bool recording, const OptionalPrecision& precision) {
    constexpr const char* name = "linear_forward";
    const Array &x_array = two_dimensional(name, "x", x), &w_array = two_dimensional(name, "w", w);
    const Reads reads = bound_or_identity(name, activation).reads;
    const py::object y = new_array(x_array, {x_array.shape(0), w_array.shape(0)});
    py::object z = py::none();
    if (recording && reads == Reads::input) z = new_array(x_array, {x_array.shape(0), w_array.shape(0)});
    linear_forward(y, z, x, w, b, activation, precision);
    return py::make_tuple(y, recording && reads == Reads::output ? y : z);
}

// (dx, dw) or, if there is a b, (dx, dw, db), with None where `needs` says so; dw and db lie in memory as w and b do.
py::object make_linear_backward(py::handle needs, py::handle dy, py::handle saved, py::handle x, py::handle w,
                                py::handle b, const OptionalActivation& activation,
                                const OptionalPrecision& precision) {
    constexpr const char* name = "linear_backward";
    const Array &dy_array = two_dimensional(name, "dy", dy), &w_array = two_dimensional(name, "w", w);
    const Size count = b.is_none() ? 2 : 3;
    if (!PyTuple_Check(needs.ptr()) || PyTuple_GET_SIZE(needs.ptr()) != count)
        bad_value(name, "needs", py::repr(needs), "a tuple of " + std::to_string(count) + " bools");
    const auto needed = [&](Size i) { return PyTuple_GET_ITEM(needs.ptr(), i) == Py_True; };
    py::object dx = py::none(), dw = py::none(), db = py::none();
    if (needed(0)) dx = new_array(dy_array, {dy_array.shape(0), w_array.shape(1)});
    if (needed(1)) dw = new_like(w_array);
    if (count == 3 && needed(2)) db = new_like(as_array(name, "b", b));
    linear_backward(dx, dw, db, dy, saved, x, w, activation, precision);
    if (count == 2) return py::make_tuple(std::move(dx), std::move(dw));
    return py::make_tuple(std::move(dx), std::move(dw), std::move(db));
}

template <class T>
View<T> batch_view(Arguments<T>& arguments, const char* argument, py::handle object, Shape shape, Size& step) {
    // a batch of matrices: contiguous but for one matrix, which may have any strides
    const Size* n = shape.begin();
    if (shape.size() == 2) return step = 0, arguments.matrix(argument, object, n[0], n[1]);
    step = n[1] * n[2];
    return {arguments.input(argument, object, shape), n[2], 1};
}

void matmul(py::handle y, py::handle a, py::handle b, const OptionalPrecision& precision) {
    constexpr const char* name = "matmul";
    by_dtype(name, "a", a, [&]<class T>(T) {
        const Array &left = as_array(name, "a", a), &right = as_array(name, "b", b);
        const Size axes = left.ndim();
        if (axes != 2 && axes != 3)
            bad_value(name, "a", shape_text(shape_of(left)), "an array of two or three dimensions");
        if (right.ndim() != axes)
            bad_value(name, "b", shape_text(shape_of(right)),
                      "an array of " + std::to_string(axes) + " dimensions like 'a'");
        Arguments<T> arguments(name);
        Matmul<T> p{};
        p.batch = axes == 3 ? left.shape(0) : 1;
        p.m = left.shape(axes - 2), p.k = left.shape(axes - 1), p.n = right.shape(axes - 1);
        if (axes == 2) {
            p.a = batch_view(arguments, "a", a, {p.m, p.k}, p.a_step);
            p.b = batch_view(arguments, "b", b, {p.k, p.n}, p.b_step);
            p.y = arguments.output("y", y, {p.m, p.n});
        } else {
            p.a = batch_view(arguments, "a", a, {p.batch, p.m, p.k}, p.a_step);
            p.b = batch_view(arguments, "b", b, {p.batch, p.k, p.n}, p.b_step);
            p.y = arguments.output("y", y, {p.batch, p.m, p.n});
        }
        p.precision = precision_of(name, precision);
        arguments.check_overlap();
        launch(double(p.batch) * product_cost(p.m, p.n, p.k), kernels<T>().matmul, p);
    });
}

} // namespace

void bind_linear(py::module_& m) {
    def<linear_forward>(m, "linear_forward", {"y", "z", "x", "w", "b", "activation", "precision"},
                        "y = f(z), z = x wᵀ + b: x (m, k), w (n, k), b (n,) or None, y and z (m, n); z may be None.",
                        6);
    def<linear_backward>(
        m, "linear_backward", {"dx", "dw", "db", "dy", "saved", "x", "w", "activation", "precision"},
        "The gradients of linear_forward that are not None; saved is y or z, as activation.reads says.", 8);
    def<make_linear_forward>(m, "make_linear_forward", {"x", "w", "b", "activation", "recording", "precision"},
                             "linear_forward into new arrays: (y, saved), where saved is y, z or None.", 5);
    def<make_linear_backward>(m, "make_linear_backward",
                              {"needs", "dy", "saved", "x", "w", "b", "activation", "precision"},
                              "linear_backward into new arrays: (dx, dw) or (dx, dw, db), None where not needed.", 7);
    def<matmul>(m, "matmul", {"y", "a", "b", "precision"},
                "y = a b for (m, k) and (k, n), or for each of a batch of them.", 3);
}

} // namespace fastgrad
