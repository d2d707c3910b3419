// The losses: value and gradient in one call.
#include "arrays.hpp"
#include "checks.hpp"
#include "module.hpp"
#include "new_arrays.hpp"

namespace fastgrad {
namespace {

template <class T> T* loss_output(Arguments<T>& arguments, py::handle loss, Reduction reduction, Size n) {
    return reduction == Reduction::none ? arguments.output("loss", loss, {n}) : arguments.output("loss", loss, {});
}

void class_loss(const char* name, py::handle loss, py::handle dx, py::handle x, py::handle target, py::handle weight,
                std::int64_t ignore_index, double label_smoothing, const std::string& reduction,
                bool log_probabilities) {
    by_dtype(name, "x", x, [&]<class T>(T) {
        const Array& scores = two_dimensional(name, "x", x);
        Arguments<T> arguments(name);
        CrossEntropy<T> l{};
        l.n = scores.shape(0), l.c = scores.shape(1);
        l.reduction = parse_reduction(name, reduction);
        if (!(label_smoothing >= 0 && label_smoothing <= 1))
            bad_value(name, "label_smoothing", number_text(label_smoothing), "a number from 0 to 1");
        l.label_smoothing = label_smoothing, l.ignore_index = ignore_index, l.log_probabilities = log_probabilities;
        l.x = arguments.input("x", x, {l.n, l.c});
        l.weight = arguments.input_or_null("weight", weight, {l.c});
        l.dx = arguments.output_or_null("dx", dx, {l.n, l.c});
        l.loss = loss_output(arguments, loss, l.reduction, l.n);
        const Array& t = as_array(name, "target", target);
        if (t.ndim() == 2 && !log_probabilities) {
            l.probability = arguments.input("target", target, {l.n, l.c});
        } else {
            l.index = arguments.index("target", target, l.n);
        }
        // Where every score is read before the gradients of its block are made.
        const bool in_place = l.dx == l.x && l.index && label_smoothing == 0 && !(l.weight && l.n == 1);
        arguments.check_overlap(in_place);
        if (l.index) launch(double(l.n), &check_classes, name, l.index, l.n, l.c, ignore_index);
        const double nanoseconds = double(l.n) * double(20 + l.c);
        launch_cross_entropy(nanoseconds, l);
    });
}

void cross_entropy(py::handle loss, py::handle dx, py::handle x, py::handle target, py::handle weight,
                   std::int64_t ignore_index, double label_smoothing, const std::string& reduction) {
    class_loss("cross_entropy", loss, dx, x, target, weight, ignore_index, label_smoothing, reduction, false);
}

// (loss, dx), for class indices; dx is None unless `recording`.
py::object make_cross_entropy(py::handle x, py::handle target, std::int64_t ignore_index, double label_smoothing,
                              const std::string& reduction, bool recording) {
    constexpr const char* name = "cross_entropy";
    const Array &scores = two_dimensional(name, "x", x), &index = as_array(name, "target", target);
    if (index.ndim() != 1) bad_value(name, "target", shape_text(shape_of(index)), "an array of one dimension");
    py::object loss = parse_reduction(name, reduction) == Reduction::none ? new_array(scores, {scores.shape(0)})
                                                                          : new_array(scores, {});
    py::object dx = py::none();
    if (recording) dx = new_array(scores, {scores.shape(0), scores.shape(1)});
    cross_entropy(loss, dx, x, target, py::none(), ignore_index, label_smoothing, reduction);
    return py::make_tuple(std::move(loss), std::move(dx));
}

void nll_loss(py::handle loss, py::handle dx, py::handle x, py::handle target, py::handle weight,
              std::int64_t ignore_index, const std::string& reduction) {
    class_loss("nll_loss", loss, dx, x, target, weight, ignore_index, 0.0, reduction, true);
}

struct PointwiseName {
    const char *name, *parameter;
    PointwiseLossKind kind;
};
constexpr PointwiseName pointwise_names[] = {
    {"mse_loss", nullptr, PointwiseLossKind::mse},
    {"l1_loss", nullptr, PointwiseLossKind::l1},
    {"smooth_l1_loss", "beta", PointwiseLossKind::smooth_l1},
    {"huber_loss", "delta", PointwiseLossKind::huber},
    {"binary_cross_entropy", nullptr, PointwiseLossKind::bce},
    {"binary_cross_entropy_with_logits", nullptr, PointwiseLossKind::bce_with_logits},
};

const PointwiseName& find_pointwise(const std::string& kind) {
    std::string names;
    for (const PointwiseName& p : pointwise_names) {
        if (kind == p.name) return p;
        names += std::string(names.empty() ? "'" : ", '") + p.name + "'";
    }
    bad_value("pointwise_loss", "kind", "'" + kind + "'", "one of " + names);
}

void pointwise_loss(py::handle loss, py::handle dx, py::handle x, py::handle target, py::handle weight,
                    py::handle pos_weight, const std::string& kind, double parameter, const std::string& reduction) {
    const PointwiseName& what = find_pointwise(kind);
    const bool logits = what.kind == PointwiseLossKind::bce_with_logits;
    if (!weight.is_none() && !logits && what.kind != PointwiseLossKind::bce)
        bad_value(what.name, "weight", "an array", "None");
    if (!pos_weight.is_none() && !logits) bad_value(what.name, "pos_weight", "an array", "None");
    by_dtype(what.name, "x", x, [&]<class T>(T) {
        Arguments<T> arguments(what.name);
        const Array& in = arguments.typed("x", x);
        PointwiseLoss<T> l{};
        l.n = in.size(), l.kind = what.kind, l.parameter = parameter;
        l.reduction = parse_reduction(what.name, reduction);
        if (what.kind == PointwiseLossKind::smooth_l1 && !(parameter >= 0))
            bad_value(what.name, what.parameter, number_text(parameter), "a number that is not negative");
        if (what.kind == PointwiseLossKind::huber && !(parameter > 0))
            bad_value(what.name, what.parameter, number_text(parameter), "a positive number");
        l.x = arguments.input_like("x", x, in);
        l.target = arguments.input_like("target", target, in);
        if (!weight.is_none()) l.weight = arguments.input_like("weight", weight, in);
        if (!pos_weight.is_none()) l.pos_weight = arguments.input_like("pos_weight", pos_weight, in);
        if (!dx.is_none()) l.dx = arguments.output_like("dx", dx, in);
        l.loss = l.reduction == Reduction::none ? arguments.output_like("loss", loss, in)
                                                : arguments.output("loss", loss, {});
        arguments.check_overlap();
        if (what.kind == PointwiseLossKind::bce) {
            launch(double(l.n), &check_probabilities<T>, what.name, "x", l.x, l.n);
            launch(double(l.n), &check_probabilities<T>, what.name, "target", l.target, l.n);
        }
        launch(double(l.n), kernels<T>().pointwise_loss, l);
    });
}

} // namespace

void bind_losses(py::module_& m) {
    def<cross_entropy>(m, "cross_entropy",
                       {"loss", "dx", "x", "target", "weight", "ignore_index", "label_smoothing", "reduction"},
                       "loss and, unless None, its gradient dx for scores x (n, c) and targets (n,) int64 or (n, c).");
    def<make_cross_entropy>(m, "make_cross_entropy",
                            {"x", "target", "ignore_index", "label_smoothing", "reduction", "recording"},
                            "cross_entropy of class indices into new arrays: (loss, dx or None).");
    def<nll_loss>(m, "nll_loss", {"loss", "dx", "x", "target", "weight", "ignore_index", "reduction"},
                  "As cross_entropy, for x that holds log-probabilities.");
    def<pointwise_loss>(
        m, "pointwise_loss", {"loss", "dx", "x", "target", "weight", "pos_weight", "kind", "parameter", "reduction"},
        "loss and, unless None, its gradient dx for one of the losses that compare element with element.");
}

} // namespace fastgrad
