// SGD and Adam over lists of parameters. A call checks everything before the first number changes.
#include <algorithm>

#include "arrays.hpp"
#include "module.hpp"

namespace fastgrad {
namespace {

// The arrays of one argument: a list with one entry per parameter.
class ArrayList {
  public:
    ArrayList(const char* kernel, const char* argument, py::handle list, Size count = -1)
        : kernel_(kernel), argument_(argument) {
        begin_call(kernel);
        if (!py::isinstance<py::list>(list) && !py::isinstance<py::tuple>(list))
            bad_type(kernel, argument, "a " + type_name(list), "a list of arrays");
        items_ = py::reinterpret_steal<py::tuple>(PySequence_Tuple(list.ptr())); // keeps the arrays alive
        if (count >= 0 && size() != count)
            bad_value(kernel, argument, "a list of " + std::to_string(size()), "a list of " + std::to_string(count));
    }
    Size size() const { return PyTuple_GET_SIZE(items_.ptr()); }
    // The list's own slot, so that references to it (see as_array) outlive the expression.
    const py::handle& operator[](Size i) const {
        return reinterpret_cast<const py::handle*>(reinterpret_cast<PyTupleObject*>(items_.ptr())->ob_item)[i];
    }

    template <class T> ArrayRef array(Size i) const {
        const Array& a = as_array(kernel_, argument_, (*this)[i]);
        if (!has_dtype<T>(a))
            bad_type(kernel_, argument_, dtype_name(a) + at(i), sizeof(T) == 4 ? "dtype float32" : "dtype float64");
        return a;
    }

    // Memory to be changed: dense in some order of its axes.
    template <class T> T* state(Size i) const {
        const Array& a = array<T>(i);
        if (!a.writeable()) bad_value(kernel_, argument_, "read-only" + at(i), "writable arrays");
        if (!is_aligned(a) || !is_dense(a)) bad_value(kernel_, argument_, "a strided view" + at(i), "dense arrays");
        return const_cast<T*>(static_cast<const T*>(a.data()));
    }
    template <class T> T* state_like(Size i, const Array& other) const {
        T* p = state<T>(i);
        if (!same_layout(array<T>(i), other))
            bad_value(kernel_, argument_, shape_text(shape_of(array<T>(i))) + at(i) + " or in another order",
                      shape_text(shape_of(other)).substr(3) + " in the order of the parameter");
        return p;
    }
    // Memory to be read, copied into the layout of `other` if it has another.
    template <class T> const T* input_like(Size i, const Array& other, std::vector<py::object>& copies) const {
        const Array& a = array<T>(i);
        if (shape_of(a) != shape_of(other))
            bad_value(kernel_, argument_, shape_text(shape_of(a)) + at(i), shape_text(shape_of(other)).substr(3));
        if (is_aligned(a) && same_layout(a, other)) return static_cast<const T*>(a.data());
        copies.push_back(empty_like(other));
        const Array& copy = as_array(kernel_, argument_, copies.back());
        launch_copy(copy, a);
        is_kept_by_program(copies.back());
        return static_cast<const T*>(copy.data());
    }

  private:
    std::string at(Size i) const { return " at position " + std::to_string(i); }

    static bool same_layout(const Array& a, const Array& b) {
        if (a.ndim() != b.ndim()) return false;
        for (Size i = 0; i < a.ndim(); ++i)
            if (a.shape(i) != b.shape(i) || (a.shape(i) > 1 && a.strides(i) != b.strides(i))) return false;
        return true;
    }
    static bool is_dense(const Array& a) {
        if (is_c_contiguous(a) || is_f_contiguous(a)) return true;
        Size left = a.itemsize(); // the stride that the next axis must have
        for (Size found = 0; found < a.ndim(); ++found) {
            bool extended = false;
            for (Size i = 0; i < a.ndim(); ++i)
                if (a.shape(i) > 1 && a.strides(i) == left) {
                    left *= a.shape(i), extended = true;
                    break;
                }
            if (!extended) break;
        }
        return left == a.nbytes();
    }

    const char *kernel_, *argument_;
    py::tuple items_;
};

// What is written must share memory with nothing else; what is only read may share it with other inputs.
void check_distinct(const char* kernel, std::vector<Extent>& extents) {
    std::sort(extents.begin(), extents.end(), [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
    const Extent *furthest = nullptr, *furthest_output = nullptr;
    for (const Extent& e : extents) {
        if (e.begin == e.end) continue;
        const Extent* other = e.output ? furthest : furthest_output;
        if (other && e.begin < other->end)
            bad_value(kernel, e.argument, std::string("memory that overlaps '") + other->argument + "'",
                      "every array in memory of its own");
        if (!furthest || e.end > furthest->end) furthest = &e;
        if (e.output && (!furthest_output || e.end > furthest_output->end)) furthest_output = &e;
    }
}

bool truth(py::handle object) {
    const int yes = PyObject_IsTrue(object.ptr());
    if (yes < 0) throw py::error_already_set();
    return yes == 1;
}

void check_not_negative(const char* kernel, const char* argument, double value) {
    if (!(value >= 0)) bad_value(kernel, argument, number_text(value), "a number that is not negative");
}

template <class Parameter, class Options> struct UpdateCall {
    std::vector<Parameter> parameters;
    Options options;
    template <class Visit> void each_pointer(const Visit& visit) {
        for (Parameter& p : parameters) visit(&p.grad);
    }
};
template <class T> void run_sgd(const UpdateCall<Sgd<T>, SgdOptions>& c) {
    kernels<T>().sgd(c.parameters.data(), Size(c.parameters.size()), c.options);
}
template <class T> void run_adam(const UpdateCall<Adam<T>, AdamOptions>& c) {
    kernels<T>().adam(c.parameters.data(), Size(c.parameters.size()), c.options);
}

void sgd(py::handle params, py::handle grads, py::handle momentum_buffers, double lr, double momentum, double dampening,
         double weight_decay, double l1, bool nesterov, bool maximize, py::handle first) {
    constexpr const char* name = "sgd";
    check_not_negative(name, "lr", lr);
    check_not_negative(name, "momentum", momentum);
    check_not_negative(name, "weight_decay", weight_decay);
    check_not_negative(name, "l1", l1);
    if (nesterov && (momentum <= 0 || dampening != 0))
        bad_value(name, "nesterov", "True", "momentum > 0 and dampening = 0 with it");
    const ArrayList p(name, "params", params);
    const Size count = p.size();
    const ArrayList g(name, "grads", grads, count);
    const bool buffered = !momentum_buffers.is_none();
    if (momentum != 0 && !buffered)
        bad_value(name, "momentum_buffers", "None", "a list of arrays when momentum is not 0");
    const ArrayList buffers(name, "momentum_buffers", buffered ? momentum_buffers : params, count);
    const ArrayList fresh(name, "first", buffered ? first : params, count);
    if (count == 0) return;
    by_dtype(name, "params", p[0], [&]<class T>(T) {
        std::vector<py::object> copies;
        std::vector<Extent> extents;
        std::vector<Sgd<T>> work(std::size_t(count), Sgd<T>{});
        double total = 0;
        for (Size i = 0; i < count; ++i) {
            Sgd<T>& s = work[std::size_t(i)];
            s.p = p.state<T>(i);
            const Array& a = p.array<T>(i);
            s.grad = g.input_like<T>(i, a, copies);
            if (buffered) s.momentum_buffer = buffers.state_like<T>(i, a), s.first = truth(fresh[i]);
            s.n = a.size();
            total += double(s.n);
            extents.push_back(Extent::of(a, "params", true));
            extents.push_back(Extent::of(g.array<T>(i), "grads", false));
            if (buffered) extents.push_back(Extent::of(buffers.array<T>(i), "momentum_buffers", true));
        }
        check_distinct(name, extents);
        const SgdOptions options{lr, buffered ? momentum : 0, dampening, weight_decay, l1, nesterov, maximize};
        launch(total / 4, &run_sgd<T>, UpdateCall<Sgd<T>, SgdOptions>{std::move(work), options});
    });
}

void adam(py::handle params, py::handle grads, py::handle exp_avgs, py::handle exp_avg_sqs, py::handle max_exp_avg_sqs,
          py::handle steps, double lr, double beta1, double beta2, double eps, double weight_decay, double l1,
          bool decoupled, bool maximize) {
    constexpr const char* name = "adam";
    check_not_negative(name, "lr", lr);
    check_not_negative(name, "eps", eps);
    check_not_negative(name, "weight_decay", weight_decay);
    check_not_negative(name, "l1", l1);
    if (!(beta1 >= 0 && beta1 < 1)) bad_value(name, "beta1", number_text(beta1), "a number from 0 to below 1");
    if (!(beta2 >= 0 && beta2 < 1)) bad_value(name, "beta2", number_text(beta2), "a number from 0 to below 1");
    const ArrayList p(name, "params", params);
    const Size count = p.size();
    const ArrayList g(name, "grads", grads, count), m(name, "exp_avgs", exp_avgs, count),
        v(name, "exp_avg_sqs", exp_avg_sqs, count);
    const bool amsgrad = !max_exp_avg_sqs.is_none();
    const ArrayList largest(name, "max_exp_avg_sqs", amsgrad ? max_exp_avg_sqs : params, count),
        t(name, "steps", steps, count);
    if (count == 0) return;
    by_dtype(name, "params", p[0], [&]<class T>(T) {
        std::vector<py::object> copies;
        std::vector<Extent> extents;
        std::vector<Adam<T>> work(std::size_t(count), Adam<T>{});
        double total = 0;
        for (Size i = 0; i < count; ++i) {
            Adam<T>& s = work[std::size_t(i)];
            s.p = p.state<T>(i);
            const Array& a = p.array<T>(i);
            s.grad = g.input_like<T>(i, a, copies);
            s.exp_avg = m.state_like<T>(i, a), s.exp_avg_sq = v.state_like<T>(i, a);
            if (amsgrad) s.max_exp_avg_sq = largest.state_like<T>(i, a);
            s.step = PyLong_AsLongLong(t[i].ptr());
            if (PyErr_Occurred()) throw py::error_already_set();
            if (s.step < 1) bad_value(name, "steps", std::to_string(s.step), "positive integers");
            s.n = a.size();
            total += double(s.n);
            extents.push_back(Extent::of(a, "params", true));
            extents.push_back(Extent::of(g.array<T>(i), "grads", false));
            extents.push_back(Extent::of(m.array<T>(i), "exp_avgs", true));
            extents.push_back(Extent::of(v.array<T>(i), "exp_avg_sqs", true));
            if (amsgrad) extents.push_back(Extent::of(largest.array<T>(i), "max_exp_avg_sqs", true));
        }
        check_distinct(name, extents);
        const AdamOptions options{lr, beta1, beta2, eps, weight_decay, l1, decoupled, maximize, 0};
        launch(total, &run_adam<T>, UpdateCall<Adam<T>, AdamOptions>{std::move(work), options});
    });
}

} // namespace

void bind_updates(py::module_& m) {
    def<sgd>(m, "sgd",
             {"params", "grads", "momentum_buffers", "lr", "momentum", "dampening", "weight_decay", "l1", "nesterov",
              "maximize", "first"},
             "One step of SGD in place; first[i] says that momentum_buffers[i] holds nothing yet.");
    def<adam>(
        m, "adam",
        {"params", "grads", "exp_avgs", "exp_avg_sqs", "max_exp_avg_sqs", "steps", "lr", "beta1", "beta2", "eps",
         "weight_decay", "l1", "decoupled", "maximize"},
        "One step of Adam in place, or of AdamW if decoupled: then weight decay and l1 act on the parameter directly.");
}

} // namespace fastgrad
