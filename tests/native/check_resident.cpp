// Checks the kernels of a chain of layers (csrc/cuda/resident.hpp) against those of its commands one by one, for many
// random chains. tests/cuda/test_resident.py runs it on cuda_on_cpu; as a program of its own (the target
// check_resident) it runs on a GPU too, and below compute-sanitizer.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>

#include "../../csrc/cuda/launch.hpp"
#include "../../csrc/cuda/resident.hpp"
#include "resident_case.hpp"

using namespace fastgrad;

namespace {

int failures = 0, chains = 0;

int fail(const std::string& text) {
    std::printf("%s\n", text.c_str());
    return ++failures;
}
bool everything(const void*) { return true; }

template <class T> void run_plain(const Chain<T>& chain) {
    const KernelTable<T>& k = kernels<T>();
    for (const cuda::Stage<T>& stage : chain.stages) {
        if (auto* l = std::get_if<const LinearForward<T>*>(&stage)) k.linear_forward(**l);
        if (auto* l = std::get_if<const CrossEntropy<T>*>(&stage)) k.cross_entropy(**l);
        if (auto* l = std::get_if<const PointwiseLoss<T>*>(&stage)) k.pointwise_loss(**l);
        if (auto* l = std::get_if<const cuda::ActivationBackward<T>*>(&stage))
            k.activation_backward((*l)->dx, (*l)->dy, (*l)->saved, (*l)->n, (*l)->activation);
        if (auto* l = std::get_if<const LinearGradInput<T>*>(&stage)) k.linear_grad_input(**l);
        if (auto* l = std::get_if<const LinearSgd<T>*>(&stage)) k.linear_sgd(**l);
        if (auto* l = std::get_if<const LinearAdam<T>*>(&stage)) k.linear_adam(**l);
    }
}

// The largest difference relative to the largest number, or infinity.
template <class T> double difference(const Numbers<T>& found, const Numbers<T>& expected) {
    double worst = 0, size = 1e-3;
    for (const T x : expected) size = std::max(size, std::abs(double(x)));
    for (std::size_t i = 0; i < found.size(); ++i) {
        if (std::memcmp(&found[i], &expected[i], sizeof(T)) == 0) continue;
        const double d = std::abs(double(found[i]) - double(expected[i]));
        worst = d <= worst ? worst : std::isnan(d) ? HUGE_VAL : d;
    }
    return worst / size;
}

// As in a graph: kernels read options from a place of their own, what the commands hold is out of date.
template <class T> struct Elsewhere {
    Numbers<SgdOptions> sgd;
    Numbers<AdamOptions> adam;
    cuda::OptionsOnDevice places;

    explicit Elsewhere(Chain<T>& chain) {
        sgd.reserve(chain.sgd.size()), adam.reserve(chain.adam.size());
        for (auto& l : chain.sgd) move(sgd, l.options);
        for (auto& l : chain.adam) move(adam, l.options);
        cuda::call.options = &places;
    }
    ~Elsewhere() { cuda::call.options = nullptr; }
    template <class Options> void move(Numbers<Options>& to, Options& options) {
        to.push_back(options);
        places[&options] = &to.back();
        options.lr = 1000;
    }
};

template <class T> void check(const Case& c) {
    ++chains;
    Chain<T> plain(c), resident(c), again(c);
    run_plain(plain);
    const auto run = [&](Chain<T>& chain) {
        const cuda::IsNeeded is_needed = [&](const void* p) { return c.stores || (p == chain.last && chain.last); };
        if (!cuda::fits_resident<T>(chain.stages, is_needed)) return false;
        cuda::run_resident<T>(chain.stages, is_needed);
        return true;
    };
    const std::string text = (sizeof(T) == 4 ? "float, " : "double, ") + c.text() + ": ";
    if (!run(resident)) return void(fail(text + "does not fit"));
    {
        const Elsewhere<T> elsewhere(again);
        run(again);
        cuda::check(cudaDeviceSynchronize());
    }
    const double limit = sizeof(T) == 4 ? 3e-5 : 1e-12;
    const bool in_parts = c.widths[0] >= 512; // then a product alone may add up in another order: part_of_k in gemm.hpp
    for (const auto& [name, array] : resident.arrays) {
        const auto &expected = plain.arrays.at(name), &second = again.arrays.at(name);
        if (std::memcmp(array.data(), second.data(), array.size() * sizeof(T)) != 0)
            fail(text + name + " differs in a second run");
        if (resident.inner.count(name) && !c.stores && array.data() != resident.last) {
            if (std::any_of(array.begin(), array.end(), [](T x) { return x != T(poison); }))
                fail(text + name + " was stored");
            continue;
        }
        const bool is_exact = (name[0] == 'y' || name[0] == 'z') && !resident.inexact.count(name) && !in_parts;
        const double d = difference(array, expected);
        if (!(d <= (is_exact ? 0 : limit))) fail(text + name + " differs by " + std::to_string(d / limit) + " limits");
    }
}

// What is no chain of small layers is refused.
template <class T> void check_refusals() {
    Case c;
    c.m = 5, c.widths = {7, 9, 4}, c.activations = {0, -1}, c.loss = 3, c.backward = true, c.optimiser = 1;
    const auto refuses = [&](const char* what, const auto& change) {
        Chain<T> chain(c);
        change(chain);
        if (cuda::fits_resident<T>(chain.stages, everything)) fail(std::string("is not refused: ") + what);
    };
    LinearForward<T> more;
    refuses("a weight that has been updated before", [&](Chain<T>& chain) {
        more = chain.forward[0];
        chain.stages.push_back(&more);
    });
    refuses("another batch", [](Chain<T>& chain) { chain.forward[1].m = 4; });
    refuses("a part of what a layer makes", [](Chain<T>& chain) { chain.forward[1].x.p += 1; });
    refuses("a weight that a layer makes", [](Chain<T>& chain) { chain.forward[1].w.p = chain.forward[0].y; });
    refuses("an output where the input of other rows is", [](Chain<T>& chain) {
        chain.forward[0].y = const_cast<T*>(chain.forward[0].x.p) + 1;
        chain.forward[1].x.p = chain.forward[0].y;
    });
    refuses("two losses", [](Chain<T>& chain) { chain.stages.insert(chain.stages.begin() + 2, chain.stages[2]); });
    refuses("two layers with one bias", [](Chain<T>& chain) { chain.sgd[1].b.p = chain.sgd[0].b.p; });
    c.widths = {7, 129, 4};
    refuses("a wide layer", [](Chain<T>&) {});
    c.widths = {40000, 9, 4};
    refuses("an input that is too wide", [](Chain<T>&) {});
    c.widths.assign(11, 5), c.activations.assign(10, 1);
    refuses("many layers", [](Chain<T>&) {});
}

template <class T> void check_all(int count) {
    std::mt19937 random(7);
    const auto below = [&](int n) { return int(random() % unsigned(n)); };
    constexpr Size widths[] = {1, 3, 10, 32, 64, 100, 128, 33, 17}, batches[] = {1, 5, 8, 9, 32, 64, 100};
    for (int i = 0; i < count; ++i) {
        Case c;
        c.seed = unsigned(i);
        c.m = batches[below(7)];
        const int layers = 1 + below(i % 5 == 0 ? 7 : 3);
        c.widths = {below(8) == 0 ? 841 : widths[below(9)]};
        for (int l = 0; l < layers; ++l) {
            c.widths.push_back(widths[below(9)]);
            c.activations.push_back(l + 1 < layers ? below(activation_count + 1) - 1 : -1);
        }
        c.loss = below(10) - 1, c.reduction = Reduction(below(3));
        if (below(2)) c.activations.back() = below(activation_count);
        if (c.loss == 7) c.activations.back() = 0; // of probabilities
        c.backward = below(5) > 0;
        c.smoothing = below(2) ? 0.1 : 0, c.has_weight = below(2), c.has_bias = below(4) > 0, c.ignores = below(2);
        c.optimiser = below(3), c.momentum = below(2), c.penalties = below(2), c.maximize = below(4) == 0;
        c.nesterov = below(2), c.first = below(3) == 0, c.amsgrad = below(2), c.decoupled = below(2);
        c.transposed = below(2), c.x_transposed = below(4) == 0;
        c.in_place = below(2), c.stores = below(2) && layers < 7, c.updates_last = below(2);
        c.derives = below(2), c.reaches_x = below(4) == 0;
        c.reuses = !c.stores && !c.updates_last && below(2);
        check<T>(c);
    }
    for (int f = 0; f < activation_count; ++f) { // every activation, backward from y or z
        Case c;
        c.m = 21, c.widths = {5, 37, 4}, c.activations = {f, -1};
        c.loss = 3, c.reduction = Reduction::mean, c.backward = true, c.stores = true, c.seed = unsigned(f);
        check<T>(c);
    }
    Case large; // every block has several turns, the last one in part
    large.m = Size(cuda::multiprocessors()) * 128 + 37, large.widths = {20, 48, 10}, large.activations = {2, -1};
    large.loss = 0, large.backward = true, large.ignores = true, large.reduction = Reduction::mean, large.optimiser = 1;
    large.momentum = large.has_bias = true;
    check<T>(large);
}

// Microseconds of a step as a graph.
double time_of(cudaStream_t stream, const std::function<void()>& run) {
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;
    run(); // scratch memory is there from now on
    cuda::check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed));
    run();
    cuda::check(cudaStreamEndCapture(stream, &graph));
    cuda::check(cudaGraphInstantiate(&executable, graph, 0));
    constexpr int steps = 500;
    std::chrono::steady_clock::time_point begin;
    for (int i = -50; i < steps; ++i) {
        if (i == 0) cuda::check(cudaStreamSynchronize(stream)), begin = std::chrono::steady_clock::now();
        cuda::check(cudaGraphLaunch(executable, stream));
    }
    cuda::check(cudaStreamSynchronize(stream));
    const std::chrono::duration<double, std::micro> taken = std::chrono::steady_clock::now() - begin;
    cuda::check(cudaGraphExecDestroy(executable)), cuda::check(cudaGraphDestroy(graph));
    return taken.count() / steps;
}

// Steps of training, by the commands' own kernels and as chains; only on a GPU do the times mean anything.
void show_times() {
    const std::vector<std::vector<Size>> networks{{2, 16, 16, 1},
                                                  {10, 64, 10},
                                                  {64, 64, 64, 10},
                                                  {784, 100, 10},
                                                  {841, 128, 10},
                                                  {841, 128, 128, 10},
                                                  {128, 128, 128, 128, 128, 128, 128, 10}};
    cuda::check(cudaStreamCreate(&cuda::call.stream));
    std::printf("%-40s %6s %10s %10s\n", "layers", "batch", "commands", "chain");
    for (const auto& widths : networks)
        for (const Size m : {1, 8, 32, 128, 1000, 10000}) {
            Case c;
            c.m = m, c.widths = widths, c.activations.assign(widths.size() - 1, 2), c.activations.back() = -1;
            c.loss = widths.back() > 1 ? 0 : 3, c.reduction = Reduction::mean, c.backward = true;
            c.optimiser = 1, c.momentum = c.transposed = true;
            Chain<float> chain(c);
            const cuda::IsNeeded nothing = [](const void*) { return false; };
            const double commands = time_of(cuda::call.stream, [&] { run_plain(chain); });
            const double together =
                time_of(cuda::call.stream, [&] { cuda::run_resident<float>(chain.stages, nothing); });
            std::string layers;
            for (const Size width : widths) layers.append(std::to_string(width)).append(" ");
            std::printf("%-40s %6d %10.1f %10.1f\n", layers.c_str(), int(m), commands, together);
        }
}

} // namespace

extern "C" __attribute__((visibility("default"))) int check_resident(int count) {
    cuda::call.kernel = "check_resident";
    failures = chains = 0;
    check_all<float>(count);
    check_all<double>(count / 2);
    check_refusals<float>();
    std::printf("%d chains, %d failures\n", chains, failures);
    std::fflush(stdout);
    return failures;
}

// Arguments: how many chains are checked; or `times`.
int main(int count, char** arguments) {
    if (count > 1 && std::string(arguments[1]) == "times") return show_times(), 0;
    return check_resident(count > 1 ? std::atoi(arguments[1]) : 100) > 0;
}
