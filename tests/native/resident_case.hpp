// A chain of layers with memory of its own, as the commands of a recorded training step are.
#pragma once

#include <cmath>
#include <deque>
#include <iterator>
#include <map>
#include <new>
#include <random>
#include <set>
#include <string>
#include <vector>

#define FASTGRAD_SET plain // only the descriptions of activations are used here
#include "../../csrc/cpu/simd.hpp"
#include "../../csrc/fastgrad/activations.hpp"

#include "../../csrc/cuda/resident.hpp"

namespace fastgrad {

struct ActivationEntry {
    const ActivationInfo* info;
    Reads (*reads)(Parameters<double>);
};
#define FASTGRAD_ENTRY(A) {&plain::A::info, plain::A::reads},
namespace plain { constexpr ActivationEntry activations[] = {FASTGRAD_ACTIVATIONS(FASTGRAD_ENTRY)}; }
using plain::activations;
constexpr int activation_count = int(std::size(activations));

constexpr double poison = 12345; // in memory that nothing should be read from before it is written

struct Case {
    unsigned seed = 0;
    Size m = 1;
    std::vector<Size> widths; // of the input, and of every layer
    std::vector<int> activations;
    int loss = -1; // none; 0: classes, 1: probabilities, 2: log-probabilities; from 3 on the pointwise ones
    Reduction reduction = Reduction::none;
    double smoothing = 0;
    bool has_weight = false, ignores = false, in_place = false, has_bias = true;
    bool backward = false;
    int optimiser = 0; // 0: none, 1: SGD, 2: Adam
    bool momentum = false, nesterov = false, first = false, amsgrad = false, decoupled = false, penalties = false;
    bool maximize = false, transposed = false, x_transposed = false;
    bool stores = false;       // somebody outside reads everything
    bool updates_last = false; // or each where its gradient is ready
    bool reuses = false;       // a gradient lies where an output was
    bool reaches_x = false;    // the gradient of the input is wanted too
    bool derives = false;      // by an operation of its own, the last layer's activation

    std::string text() const {
        std::string s = "seed " + std::to_string(seed) + " m " + std::to_string(m) + " widths";
        for (const Size w : widths) s.append(" ").append(std::to_string(w));
        s += " activations";
        for (const int a : activations) s.append(" ").append(std::to_string(a));
        return s + " loss " + std::to_string(loss) + " reduction " + std::to_string(int(reduction)) + " optimiser " +
               std::to_string(optimiser) + (backward ? " backward" : "") + (transposed ? " transposed" : "") +
               (x_transposed ? " x transposed" : "") + (in_place ? " in place" : "") + (stores ? " stores" : "") +
               (updates_last ? " updates last" : "") + (reuses ? " reuses" : "") + (derives ? " derives" : "") +
               (reaches_x ? " reaches x" : "");
    }
};

template <class T> struct Managed { // memory that the processor and a GPU see
    using value_type = T;
    Managed() = default;
    template <class U> Managed(const Managed<U>&) {}
    T* allocate(std::size_t n) {
        void* p = nullptr;
        if (cudaMallocManaged(&p, n * sizeof(T)) != cudaSuccess) throw std::bad_alloc();
        return static_cast<T*>(p);
    }
    void deallocate(T* p, std::size_t) { cudaFree(p); }
    bool operator==(const Managed&) const { return true; }
};
template <class T> using Numbers = std::vector<T, Managed<T>>;

template <class T> struct Chain {
    std::map<std::string, Numbers<T>> arrays;
    std::set<std::string> inner, inexact; // of `arrays`: what stages make of rows, and where a gradient lies too
    std::vector<cuda::Stage<T>> stages;
    const T* last = nullptr; // what the chain is for, where it has no updates

    explicit Chain(const Case& chosen) : c(chosen), random(chosen.seed) {
        array("x", c.m * c.widths[0], true);
        for (int l = 1; l <= layers(); ++l) add_forward(l);
        if (c.loss >= 0) add_loss();
        if (c.backward) add_backward();
        else if (c.loss < 0) last = y(layers());
    }
    Chain(const Chain&) = delete;

    std::deque<LinearForward<T>> forward;
    std::deque<LinearSgd<T>> sgd;
    std::deque<LinearAdam<T>> adam;

  private:
    int layers() const { return int(c.activations.size()); }
    Size width(int l) const { return c.widths[std::size_t(l)]; }
    static std::string name(const char* what, int l) { return std::string(what).append(std::to_string(l)); }
    T* y(int l) { return arrays.at(l == 0 ? "x" : name("y", l)).data(); }
    BoundActivation activation(int l) const {
        const int index = c.activations[std::size_t(l - 1)];
        if (index < 0) return {};
        const ActivationInfo& info = *activations[index].info;
        const Parameters<double> p{info.parameters[0].value, info.parameters[1].value};
        return {index, p, activations[index].reads(p)};
    }
    T* array(const std::string& called, Size n, bool random_numbers, bool positive = false) {
        Numbers<T>& v = arrays[called];
        v.reserve(std::size_t(n));
        for (Size i = 0; i < n; ++i) {
            const double u = double(random() % 20001) / 10000 - 1;
            v.push_back(T(!random_numbers ? poison : positive ? std::abs(u) * 0.98 + 0.01 : u));
        }
        return v.data();
    }
    const T* saved(int l) {
        const Reads reads = activation(l).reads;
        return reads == Reads::nothing ? nullptr : reads == Reads::output ? y(l) : arrays.at(name("z", l)).data();
    }
    View<T> x_of(int l) {
        if (l == 1 && c.x_transposed) return {y(0), 1, c.m};
        return {y(l - 1), width(l - 1), 1};
    }
    View<T> w(int l) {
        const T* p = arrays.at(name("w", l)).data();
        return c.transposed ? View<T>{p, 1, width(l)} : View<T>{p, width(l - 1), 1};
    }
    template <class L> L& stage(std::deque<L>& all) {
        all.push_back({});
        stages.push_back(static_cast<const L*>(&all.back()));
        return all.back();
    }

    void add_forward(int l) {
        array(name("w", l), width(l) * width(l - 1), true);
        for (T& each : arrays.at(name("w", l))) each *= T(1.5 / std::sqrt(double(width(l - 1))));
        T* const b = c.has_bias ? array(name("b", l), width(l), true) : nullptr;
        const BoundActivation f = activation(l);
        const bool has_z = f.index >= 0 && (f.reads == Reads::input || l % 3 == 0);
        T* const made = array(name("y", l), c.m * width(l), false);
        T* const z = has_z ? array(name("z", l), c.m * width(l), false) : nullptr;
        inner.insert(name("y", l)), inner.insert(name("z", l));
        stage(forward) = {c.m, width(l), width(l - 1), made, z, x_of(l), w(l), b, f};
    }
    void add_loss() {
        const int l = layers();
        const Size n = width(l), elements = c.m * n;
        const bool by_row = c.loss < 3, in_place = c.in_place && (c.loss == 2 || (c.loss == 0 && c.smoothing == 0));
        T* const loss = array("loss", c.reduction != Reduction::none ? 1 : by_row ? c.m : elements, false);
        if (in_place) dz = y(l), inexact.insert(name("y", l));
        else if (c.backward) dz = array(name("d", l), elements, false), inner.insert(name("d", l));
        if (by_row) {
            CrossEntropy<T>& e = stage(classes);
            e.n = c.m, e.c = n, e.loss = loss, e.dx = dz, e.x = y(l);
            for (Size i = 0; i < c.m; ++i) targets.push_back(std::int64_t(random() % unsigned(n)));
            e.ignore_index = c.ignores ? std::int64_t(n) - 1 : -100;
            if (c.loss == 1) e.probability = array("probability", elements, true, true);
            else e.index = targets.data();
            if (c.has_weight) e.weight = array("class_weight", n, true, true);
            e.label_smoothing = c.loss == 2 ? 0 : c.smoothing;
            e.reduction = c.reduction, e.log_probabilities = c.loss == 2;
        } else {
            PointwiseLoss<T>& p = stage(pointwise);
            p.n = elements, p.loss = loss, p.dx = dz, p.x = y(l), p.kind = PointwiseLossKind(c.loss - 3);
            p.target = array("target", elements, true, true);
            if (c.has_weight) p.weight = array("weight", elements, true, true);
            if (c.has_weight && c.loss == 8) p.pos_weight = array("pos_weight", elements, true, true);
            p.parameter = 0.7, p.reduction = c.reduction;
        }
    }
    void add_backward() {
        if (!dz) dz = array(name("d", layers()), c.m * width(layers()), true);
        if (const BoundActivation f = activation(layers()); c.derives && f.index >= 0) {
            T* const made = array("e", c.m * width(layers()), false);
            stage(derivative) = {made, dz, saved(layers()), c.m * width(layers()), f};
            dz = made, inner.insert("e");
        }
        std::vector<std::pair<int, T*>> waiting;
        for (int l = layers();; --l) {
            T* below = nullptr;
            if (l > 1 || c.reaches_x) {
                const Size k = width(l - 1);
                const bool at_y = c.reuses && l > 2 && k <= width(l) && dz != y(l);
                below = at_y ? y(l) : array(name("d", l - 1), c.m * k, false);
                inner.insert(name("d", l - 1));
                const BoundActivation f = l > 1 ? activation(l - 1) : BoundActivation{};
                stage(grad_input) = {c.m, width(l), k, below, dz, l > 1 ? saved(l - 1) : nullptr, w(l), f};
            }
            if (c.updates_last) waiting.push_back({l, dz});
            else add_update(l, dz);
            if (below) dz = below;
            if (l == 1) break;
        }
        for (const auto& [l, of] : waiting) add_update(l, of);
        if (c.optimiser == 0 || c.reaches_x) last = dz;
    }
    void add_update(int l, const T* of) {
        const Size n = width(l), k = width(l - 1);
        const auto fill = [&](auto& u) {
            u.m = c.m, u.n = n, u.k = k, u.transposed = c.transposed, u.dz = of, u.x = x_of(l);
            u.w.p = arrays.at(name("w", l)).data(), u.w.n = n * k, u.b.n = n;
            if (c.has_bias) u.b.p = arrays.at(name("b", l)).data();
        };
        const double decay = c.penalties ? 0.01 : 0, l1 = c.penalties ? 0.001 : 0;
        if (c.optimiser == 1) {
            LinearSgd<T>& u = stage(sgd);
            fill(u);
            u.options = {0.1, c.momentum ? 0.9 : 0.0, 0.1, decay, l1, c.nesterov, c.maximize};
            u.w.first = u.b.first = c.first;
            if (!c.momentum) return;
            u.w.momentum_buffer = array(name("momentum_w", l), n * k, true);
            u.b.momentum_buffer = array(name("momentum_b", l), n, true);
        } else if (c.optimiser == 2) {
            LinearAdam<T>& u = stage(adam);
            fill(u);
            u.options = {0.01, 0.9, 0.99, 1e-3, decay, l1, c.decoupled, c.maximize, 3};
            u.w.step = 2 + l, u.b.step = 3 + l;
            for (const bool is_b : {false, true}) {
                Adam<T>& s = is_b ? u.b : u.w;
                const char* of_what = is_b ? "b" : "w";
                s.exp_avg = array(name((std::string("average_") + of_what).c_str(), l), s.n, true);
                s.exp_avg_sq = array(name((std::string("square_") + of_what).c_str(), l), s.n, true, true);
                if (c.amsgrad)
                    s.max_exp_avg_sq = array(name((std::string("largest_") + of_what).c_str(), l), s.n, true, true);
            }
        }
    }

    const Case& c;
    std::mt19937 random;
    std::deque<CrossEntropy<T>> classes;
    std::deque<PointwiseLoss<T>> pointwise;
    std::deque<cuda::ActivationBackward<T>> derivative;
    std::deque<LinearGradInput<T>> grad_input;
    Numbers<std::int64_t> targets;
    T* dz = nullptr;
};

} // namespace fastgrad
