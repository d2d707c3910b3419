// The commands that only programs have: the gradients of linear fused with what uses them up.
#include "activation.hpp"
#include "arrays.hpp"
#include "module.hpp"
#include "precision.hpp"

namespace fastgrad {
namespace {

double product_cost(Size m, Size n, Size k) { return double(m) * double(n) * double(k) / 50; }

void linear_grad_input(py::handle dx, py::handle dz, py::handle w, py::handle saved,
                       const OptionalActivation& activation, const OptionalPrecision& precision) {
    constexpr const char* name = "linear_grad_input";
    by_dtype(name, "dz", dz, [&]<class T>(T) {
        const Array &dz_array = two_dimensional(name, "dz", dz), &w_array = two_dimensional(name, "w", w);
        Arguments<T> arguments(name);
        LinearGradInput<T> l{};
        l.m = dz_array.shape(0), l.n = dz_array.shape(1), l.k = w_array.shape(1);
        l.dz = arguments.input("dz", dz, {l.m, l.n});
        l.w = arguments.matrix("w", w, l.n, l.k);
        l.activation = bound_or_identity(name, activation);
        if (l.activation.reads != Reads::nothing) l.saved = arguments.input("saved", saved, {l.m, l.k});
        l.dx = arguments.output("dx", dx, {l.m, l.k});
        l.precision = precision_of(name, precision);
        arguments.check_overlap();
        launch(product_cost(l.m, l.n, l.k) + double(l.m * l.k), kernels<T>().linear_grad_input, l);
    });
}

// Fills in what SGD and Adam have in common; L is LinearSgd or LinearAdam.
template <class T, class L>
void gradient_operands(Arguments<T>& arguments, L& l, py::handle w, py::handle b, py::handle dz, py::handle x) {
    const char* name = arguments.kernel();
    const Array &dz_array = two_dimensional(name, "dz", dz), &x_array = two_dimensional(name, "x", x);
    l.m = dz_array.shape(0), l.n = dz_array.shape(1), l.k = x_array.shape(1);
    l.dz = arguments.input("dz", dz, {l.m, l.n});
    l.x = arguments.matrix("x", x, l.m, l.k);
    l.w.p = arguments.output_any_order("w", w, l.n, l.k, l.transposed);
    l.b.p = arguments.output_or_null("b", b, {l.n});
    l.w.n = l.n * l.k, l.b.n = l.n;
}

// State of w in the memory order of w.
template <class T, class L>
T* state_of_w(Arguments<T>& arguments, const L& l, const char* argument, py::handle object) {
    bool transposed = false;
    T* p = arguments.output_any_order(argument, object, l.n, l.k, transposed);
    if (transposed != l.transposed && l.n > 1 && l.k > 1)
        bad_value(arguments.kernel(), argument, "in another memory order", "the order of 'w'");
    return p;
}

void linear_sgd(py::handle w, py::handle b, py::handle w_buffer, py::handle b_buffer, py::handle dz, py::handle x,
                double lr, double momentum, double dampening, double weight_decay, double l1, bool nesterov,
                bool maximize, const OptionalPrecision& precision) {
    constexpr const char* name = "linear_sgd";
    by_dtype(name, "dz", dz, [&]<class T>(T) {
        Arguments<T> arguments(name);
        LinearSgd<T> l{};
        gradient_operands(arguments, l, w, b, dz, x);
        if (!w_buffer.is_none()) {
            l.w.momentum_buffer = state_of_w(arguments, l, "w_buffer", w_buffer);
            if (l.b.p) l.b.momentum_buffer = arguments.output("b_buffer", b_buffer, {l.n});
        }
        l.options = {lr, w_buffer.is_none() ? 0 : momentum, dampening, weight_decay, l1, nesterov, maximize};
        l.precision = precision_of(name, precision);
        arguments.check_overlap();
        launch(product_cost(l.m, l.n, l.k) + double(l.w.n), kernels<T>().linear_sgd, l);
    });
}

void linear_adam(py::handle w, py::handle b, py::handle w_state, py::handle b_state, std::int64_t w_step,
                 std::int64_t b_step, py::handle dz, py::handle x, double lr, double beta1, double beta2, double eps,
                 double weight_decay, double l1, bool decoupled, bool maximize, const OptionalPrecision& precision) {
    constexpr const char* name = "linear_adam";
    by_dtype(name, "dz", dz, [&]<class T>(T) {
        Arguments<T> arguments(name);
        LinearAdam<T> l{};
        gradient_operands(arguments, l, w, b, dz, x);
        const auto state = [&](const char* argument, py::handle given) {
            if (!py::isinstance<py::tuple>(given) || (py::len(given) != 2 && py::len(given) != 3))
                bad_type(name, argument, "a " + type_name(given), "a tuple of two or three arrays");
            return py::reinterpret_borrow<py::tuple>(given);
        };
        const py::tuple ws = state("w_state", w_state);
        l.w.exp_avg = state_of_w(arguments, l, "w_state", ws[0]);
        l.w.exp_avg_sq = state_of_w(arguments, l, "w_state", ws[1]);
        if (ws.size() == 3) l.w.max_exp_avg_sq = state_of_w(arguments, l, "w_state", ws[2]);
        l.w.step = w_step;
        if (l.b.p) {
            const py::tuple bs = state("b_state", b_state);
            l.b.exp_avg = arguments.output("b_state", bs[0], {l.n});
            l.b.exp_avg_sq = arguments.output("b_state", bs[1], {l.n});
            if (bs.size() == 3) l.b.max_exp_avg_sq = arguments.output("b_state", bs[2], {l.n});
            l.b.step = b_step;
        }
        l.options = {lr, beta1, beta2, eps, weight_decay, l1, decoupled, maximize, 0};
        l.precision = precision_of(name, precision);
        arguments.check_overlap();
        launch(product_cost(l.m, l.n, l.k) + 2 * double(l.w.n), kernels<T>().linear_adam, l);
    });
}

} // namespace

void bind_linear_updates(py::module_& m) {
    def<linear_grad_input>(m, "linear_grad_input", {"dx", "dz", "w", "saved", "activation", "precision"},
                           "dx = (dz w) f'(saved): dx (m, k), dz (m, n), w (n, k), saved (m, k) or None.", 5);
    def<linear_sgd>(m, "linear_sgd",
                    {"w", "b", "w_buffer", "b_buffer", "dz", "x", "lr", "momentum", "dampening", "weight_decay", "l1",
                     "nesterov", "maximize", "precision"},
                    "A step of SGD on w (n, k) and b with the gradients dzᵀ x and the sum of dz; buffers hold values.",
                    13);
    def<linear_adam>(m, "linear_adam",
                     {"w", "b", "w_state", "b_state", "w_step", "b_step", "dz", "x", "lr", "beta1", "beta2", "eps",
                      "weight_decay", "l1", "decoupled", "maximize", "precision"},
                     "A step of Adam likewise; states are (exp_avg, exp_avg_sq[, max_exp_avg_sq]).", 16);
}

} // namespace fastgrad
