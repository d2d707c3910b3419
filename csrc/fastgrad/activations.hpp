// Every activation, once: its names, formula, parameters, what its derivative reads, and its mathematics.
//
// A struct here and a line in FASTGRAD_ACTIVATIONS give the fused epilogue of `linear`, the Python function,
// the nn module and the row in docs/activations.md. The templates work on any V with arithmetic, comparisons,
// select, abs, exp, exp_of, expm1, log1p_of_fraction, tanh, logistic, times_normal and times_normal_slope.
//
//   forward(x, p)        y = f(x)
//   from_output(y, p)    f'(x), computed from y     at least one of the two;
//   from_input(x, p)     f'(x), computed from x     `reads` says which one backward uses
//   wide_forward, wide_derivative   float is computed in double: in float the formula cancels or its
//                        argument's rounding error is magnified
//   gates                where f' = 0 backward gives 0 whatever dy is, as torch does for its clipped functions
#pragma once

#include "activation_info.hpp"

namespace fastgrad::FASTGRAD_SET {

struct ActivationDefaults { // what the structs below may leave out
    static constexpr bool wide_forward = false, wide_derivative = false, gates = false;
};
struct ReadsOutput : ActivationDefaults {
    static Reads reads(Parameters<double>) { return Reads::output; }
};
struct ReadsInput : ActivationDefaults {
    static Reads reads(Parameters<double>) { return Reads::input; }
};
// x for x > 0, a curve that starts at -alpha elsewhere: the output tells the sides apart only if alpha >= 0
struct ReadsBySign : ActivationDefaults {
    static Reads reads(Parameters<double> p) { return p.a >= 0 ? Reads::output : Reads::input; }
};

struct Sigmoid : ReadsOutput {
    static constexpr ActivationInfo info{"sigmoid", "Sigmoid", "1 / (1 + exp(-x))", "y (1 - y)", "torch.sigmoid",
                                         0,         {}};
    template <class V> FG_FORMULA static V forward(V x, Parameters<V>) { return logistic(x); }
    template <class V> FG_FORMULA static V from_output(V y, Parameters<V>) { return y * (V(1.0) - y); }
};

struct Tanh : ReadsOutput {
    static constexpr ActivationInfo info{"tanh", "Tanh", "tanh(x)", "(1 - y) (1 + y)", "torch.tanh", 0, {}};
    template <class V> FG_FORMULA static V forward(V x, Parameters<V>) { return tanh(x); }
    template <class V> FG_FORMULA static V from_output(V y, Parameters<V>) { return (V(1.0) - y) * (V(1.0) + y); }
};

struct Relu : ReadsOutput {
    static constexpr ActivationInfo info{
        "relu", "ReLU", "max(0, x)", "1 if x > 0 else 0", "Nair and Hinton 2010; torch.nn.functional.relu", 0, {}};
    static constexpr bool gates = true;
    template <class V> FG_FORMULA static V forward(V x, Parameters<V>) { return select(x <= V(0.0), V(0.0), x); }
    template <class V> FG_FORMULA static V from_output(V y, Parameters<V>) {
        return select(y <= V(0.0), V(0.0), V(1.0));
    }
};

struct LeakyRelu : ReadsBySign {
    static constexpr ActivationInfo info{"leaky_relu",
                                         "LeakyReLU",
                                         "x if x > 0 else negative_slope * x",
                                         "1 if x > 0 else negative_slope",
                                         "Maas, Hannun and Ng 2013; torch.nn.functional.leaky_relu",
                                         1,
                                         {{"negative_slope", "Slope for x <= 0.", 0.01, Domain::finite}}};
    template <class V> FG_FORMULA static V forward(V x, Parameters<V> p) { return select(x > V(0.0), x, x * p.a); }
    template <class V> FG_FORMULA static V from_output(V y, Parameters<V> p) { return from_input(y, p); }
    template <class V> FG_FORMULA static V from_input(V x, Parameters<V> p) { return select(x > V(0.0), V(1.0), p.a); }
};

struct Elu : ReadsBySign {
    static constexpr ActivationInfo info{"elu",
                                         "ELU",
                                         "x if x > 0 else alpha * (exp(x) - 1)",
                                         "1 if x > 0 else y + alpha",
                                         "Clevert, Unterthiner and Hochreiter 2016; torch.nn.functional.elu",
                                         1,
                                         {{"alpha", "Minus the limit for x to minus infinity.", 1.0, Domain::finite}}};
    template <class V> FG_FORMULA static V forward(V x, Parameters<V> p) {
        return select(x <= V(0.0), p.a * expm1(x), x);
    }
    template <class V> FG_FORMULA static V from_output(V y, Parameters<V> p) {
        return select(y <= V(0.0), y + p.a, V(1.0));
    }
    template <class V> FG_FORMULA static V from_input(V x, Parameters<V> p) {
        return select(x <= V(0.0), p.a * exp(x), V(1.0));
    }
};

struct Celu : ReadsBySign {
    static constexpr ActivationInfo info{
        "celu",
        "CELU",
        "x if x > 0 else alpha * (exp(x / alpha) - 1)",
        "1 if x > 0 else y / alpha + 1",
        "Barron 2017; torch.nn.functional.celu",
        1,
        {{"alpha", "Minus the limit for x to minus infinity; not 0.", 1.0, Domain::finite_nonzero}}};
    static constexpr bool wide_derivative = true;
    template <class V> FG_FORMULA static V forward(V x, Parameters<V> p) {
        return select(x <= V(0.0), p.a * expm1(x / p.a), x);
    }
    template <class V> FG_FORMULA static V from_output(V y, Parameters<V> p) {
        return select(y <= V(0.0), (y + p.a) / p.a, V(1.0));
    }
    template <class V> FG_FORMULA static V from_input(V x, Parameters<V> p) {
        return select(x <= V(0.0), exp(x / p.a), V(1.0));
    }
};

struct Selu : ReadsOutput {
    static constexpr double alpha = 1.6732632423543772848170429916717;
    static constexpr double scale = 1.0507009873554804934193349852946;
    static constexpr ActivationInfo info{
        "selu",
        "SELU",
        "scale * (x if x > 0 else alpha * (exp(x) - 1)), alpha = 1.67326324, scale = 1.05070099",
        "scale if x > 0 else y + scale * alpha",
        "Klambauer, Unterthiner, Mayr and Hochreiter 2017; torch.nn.functional.selu",
        0,
        {}};
    static constexpr bool wide_derivative = true;
    template <class V> FG_FORMULA static V forward(V x, Parameters<V>) {
        return select(x <= V(0.0), V(scale * alpha) * expm1(x), V(scale) * x);
    }
    template <class V> FG_FORMULA static V from_output(V y, Parameters<V>) {
        return select(y <= V(0.0), y + V(scale * alpha), V(scale));
    }
};

struct Gelu : ReadsInput {
    static constexpr ActivationInfo info{"gelu",
                                         "GELU",
                                         "x * Phi(x), Phi(x) = (1 + erf(x / sqrt(2))) / 2",
                                         "Phi(x) + x * exp(-x * x / 2) / sqrt(2 * pi)",
                                         "Hendrycks and Gimpel 2016; torch.nn.functional.gelu",
                                         0,
                                         {}};
    static constexpr bool wide_forward = !fma_rounds_once, wide_derivative = !fma_rounds_once;
    template <class V> FG_FORMULA static V forward(V x, Parameters<V>) { return times_normal(x); }
    template <class V> FG_FORMULA static V from_input(V x, Parameters<V>) { return times_normal_slope(x); }
};

// In the next two, f(x) = x s(u(x)) with the logistic function s and an odd u, so that f'(x) + f'(-x) = 1. With a = |x|
// and e = exp(-u(a)), f'(-a) = e / (1 + e)^2 (1 + e - a u'(a)). What is in brackets has a root, near which it is taken
// as a difference from what it is at the root: 1 + e = a u'(a) there, so nothing is left to cancel.
struct GeluTanh : ReadsInput {
    static constexpr double c = 1.5957691216057307117597842397375, d = 0.044715; // c = 2 sqrt(2 / pi)
    static constexpr ActivationInfo info{"gelu_tanh",
                                         "GELU",
                                         "x * s, s = sigmoid(2 * sqrt(2 / pi) * (x + 0.044715 * x**3))",
                                         "s + x * s * (1 - s) * 2 * sqrt(2 / pi) * (1 + 3 * 0.044715 * x * x)",
                                         "Hendrycks and Gimpel 2016; torch.nn.functional.gelu(approximate='tanh')",
                                         0,
                                         {}};
    static constexpr bool wide_forward = !fma_rounds_once, wide_derivative = !fma_rounds_once;
    static constexpr double root = 0.7524614220710162584788545, root_u = c * root * (1 + d * root * root),
                            root_e = c * root * (1 + 3 * d * root * root) - 1;
    template <class V> FG_FORMULA static V forward(V x, Parameters<V>) {
        const auto u = exponent(minimum(abs(x), 22.0));
        const auto e = exp_of(-u.high, -u.low);
        const V y = maximum(x, -22.0) / (V(1.0) + e.value());
        return select(x < V(0.0), e.times(y), y);
    }
    template <class V> FG_FORMULA static V from_input(V x, Parameters<V>) {
        const V a = minimum(abs(x), 22.0);
        const auto u = exponent(a);
        const auto to_root = sum(root, -a), to_root_u = sum(root_u, -u.high);
        const auto e = exp_of(to_root_u.high, to_root_u.low - u.low); // exp(-u) / root_e
        const V from_root = times(root_e, e.minus_one());
        const V t = to_root.high; // root u'(root) - a u'(a) is t slope, but for the low part of t
        const V slope = fma(fma(t, V(3 * c * d), V(-9 * c * d * root)), t, V(c + 9 * c * d * root * root));
        const V bracket = fma(slope, t, fma(slope, to_root.low, from_root));
        const V tail = e.times(ratio(product(root_e, bracket), square_of_one_plus(from_root + V(root_e))));
        return select(x < V(0.0), tail, V(1.0) - tail);
    }

  private:
    // u(a) = c a (1 + d a^2) and what its rounding lost, which exp would magnify
    template <class V> FG_FORMULA static auto exponent(V a) {
        const auto square = product(a, a), cubic = product(c * d, square.high), factor = sum(c, cubic.high);
        auto u = product(a, factor.high);
        u.low = u.low + a * (factor.low + cubic.low + V(c * d) * square.low);
        return u;
    }
};

struct Silu : ReadsInput {
    static constexpr ActivationInfo info{"silu",
                                         "SiLU",
                                         "x * sigmoid(x)",
                                         "s * (1 + x * (1 - s)), s = sigmoid(x)",
                                         "Elfwing, Uchibe and Doya 2018; torch.nn.functional.silu",
                                         0,
                                         {}};
    static constexpr bool wide_derivative = !fma_rounds_once;
    static constexpr double root = 1.2784645427610737951093587, root_e = root - 1;
    template <class V> FG_FORMULA static V forward(V x, Parameters<V>) {
        const auto e = exp_of_minus_size(x);
        const V y = maximum(x, -1e3) / (V(1.0) + e.value());
        return select(x < V(0.0), e.times(y), y);
    }
    template <class V> FG_FORMULA static V from_input(V x, Parameters<V>) {
        const auto to_root = sum(root, -size_in_range(x));
        const auto e = exp_in_range(to_root.high, to_root.low); // exp(-a) / root_e
        const V from_root = V(root_e) * e.minus_one(), bracket = to_root.high + (from_root + to_root.low);
        const V tail = e.times(times(root_e, bracket) / square_of_one_plus(from_root + V(root_e)));
        return select(x < V(0.0), tail, V(1.0) - tail);
    }
};

struct Mish : ReadsInput {
    static constexpr ActivationInfo info{"mish",
                                         "Mish",
                                         "x * tanh(log(1 + exp(x)))",
                                         "t + x * (1 - t * t) * sigmoid(x), t = tanh(log(1 + exp(x)))",
                                         "Misra 2019; torch.nn.functional.mish",
                                         0,
                                         {}};
    static constexpr bool wide_derivative = true;
    // with e = exp(x) and n = e (e + 2): tanh(log(1 + e)) = n / (n + 2); from x = 40 on that is 1, and e would overflow
    template <class V> FG_FORMULA static V forward(V x, Parameters<V>) {
        const auto parts = exp_of(minimum(x, 40.0));
        const V e = parts.value(), two = V(2.0), y = parts.times(maximum(x, -1e3) * (e + two) / fma(e, e + two, two));
        return select(x > V(40.0), x, y);
    }
    template <class V> FG_FORMULA static V from_input(V x, Parameters<V>) {
        const V t = minimum(maximum(x, -1e3), 40.0), e = exp(t), n = e * (e + V(2.0)), m = n + V(2.0);
        return n / m + t * (V(4.0) * (n + V(1.0)) / (m * m)) * (e / (e + V(1.0)));
    }
};

struct Softplus : ReadsInput {
    static constexpr ActivationInfo info{
        "softplus",
        "Softplus",
        "x if beta * x > threshold else log(1 + exp(beta * x)) / beta",
        "1 if beta * x > threshold else sigmoid(beta * x)",
        "Dugas et al. 2001; torch.nn.functional.softplus",
        2,
        {{"beta", "Sharpness; not 0.", 1.0, Domain::finite_nonzero},
         {"threshold", "Above it the function is the identity.", 20.0, Domain::not_nan}}};
    static constexpr bool wide_forward = !fma_rounds_once, wide_derivative = !fma_rounds_once;
    template <class V> FG_FORMULA static V forward(V x, Parameters<V> p) {
        const V z = x * p.a;
        return select(z > p.b, x, (maximum(z, 0.0) + log1p_of_fraction(decay(x, z, p))) / p.a);
    }
    template <class V> FG_FORMULA static V from_input(V x, Parameters<V> p) {
        const V z = x * p.a, e = decay(x, z, p);
        return select(z > p.b, V(1.0), select(z < V(0.0), e, V(1.0)) / (e + V(1.0)));
    }

  private:
    // exp(-|beta x|), where z is beta x but for a rounding error that exp would magnify
    template <class V> FG_FORMULA static V decay(V x, V z, Parameters<V> p) {
        const V e = exp_of_minus_size(z).value(), lost = select(abs(z) < V(1e3), fma(x, p.a, -z), 0.0);
        return fma(select(z < V(0.0), e, -e), lost, e);
    }
};

struct Softsign : ReadsInput {
    static constexpr ActivationInfo info{"softsign",
                                         "Softsign",
                                         "x / (1 + abs(x))",
                                         "1 / (1 + abs(x))**2",
                                         "Turian, Bergstra and Bengio 2009; torch.nn.functional.softsign",
                                         0,
                                         {}};
    template <class V> FG_FORMULA static V forward(V x, Parameters<V>) {
        const V t = minimum(maximum(x, -1e30), 1e30); // the same value, also for infinity
        return t / (V(1.0) + abs(t));
    }
    template <class V> FG_FORMULA static V from_input(V x, Parameters<V>) {
        const V r = V(1.0) / (V(1.0) + abs(x));
        return r * r;
    }
};

struct Hardtanh : ReadsOutput {
    static constexpr ActivationInfo info{"hardtanh",
                                         "Hardtanh",
                                         "min(max(x, min_val), max_val)",
                                         "1 if min_val < x < max_val else 0",
                                         "Collobert 2004; torch.nn.functional.hardtanh",
                                         2,
                                         {{"min_val", "Lower bound.", -1.0, Domain::not_nan},
                                          {"max_val", "Upper bound; not below min_val.", 1.0, Domain::not_nan}}};
    static constexpr bool gates = true;
    template <class V> FG_FORMULA static V forward(V x, Parameters<V> p) {
        return select(x < p.a, p.a, select(x > p.b, p.b, x));
    }
    template <class V> FG_FORMULA static V from_output(V y, Parameters<V> p) {
        return select((y <= p.a) | (y >= p.b), V(0.0), V(1.0));
    }
};

struct Relu6 : ReadsOutput {
    static constexpr ActivationInfo info{
        "relu6", "ReLU6", "min(max(x, 0), 6)", "1 if 0 < x < 6 else 0", "Krizhevsky 2010; torch.nn.functional.relu6",
        0,       {}};
    static constexpr bool gates = true;
    template <class V> FG_FORMULA static V forward(V x, Parameters<V>) {
        return Hardtanh::forward(x, {V(0.0), V(6.0)});
    }
    template <class V> FG_FORMULA static V from_output(V y, Parameters<V>) {
        return Hardtanh::from_output(y, {V(0.0), V(6.0)});
    }
};

struct Hardswish : ReadsInput {
    static constexpr ActivationInfo info{"hardswish",
                                         "Hardswish",
                                         "x * min(max(x + 3, 0), 6) / 6",
                                         "0 if x <= -3 else (2 * x + 3) / 6 if x < 3 else 1",
                                         "Howard et al. 2019; torch.nn.functional.hardswish",
                                         0,
                                         {}};
    static constexpr bool gates = true;
    template <class V> FG_FORMULA static V forward(V x, Parameters<V>) {
        return select(x <= V(-3.0), V(0.0), select(x >= V(3.0), x, x * (x + V(3.0)) / V(6.0)));
    }
    template <class V> FG_FORMULA static V from_input(V x, Parameters<V>) {
        return select(x <= V(-3.0), V(0.0), select(x >= V(3.0), V(1.0), (x + x + V(3.0)) / V(6.0)));
    }
};

struct LogSigmoid : ReadsOutput {
    static constexpr ActivationInfo info{
        "logsigmoid", "LogSigmoid", "log(1 / (1 + exp(-x)))", "1 - exp(y)", "torch.nn.functional.logsigmoid", 0, {}};
    template <class V> FG_FORMULA static V forward(V x, Parameters<V>) {
        return minimum(x, 0.0) - log1p_of_fraction(exp_of_minus_size(x).value());
    }
    template <class V> FG_FORMULA static V from_output(V y, Parameters<V>) { return -expm1(y); }
};

// The list. Its order is the order of the kernel tables.
#define FASTGRAD_ACTIVATIONS(apply)                                                                                    \
    apply(Sigmoid) apply(Tanh) apply(Relu) apply(LeakyRelu) apply(Elu) apply(Celu) apply(Selu) apply(Gelu)             \
        apply(GeluTanh) apply(Silu) apply(Mish) apply(Softplus) apply(Softsign) apply(Hardtanh) apply(Relu6)           \
            apply(Hardswish) apply(LogSigmoid)

} // namespace fastgrad::FASTGRAD_SET
