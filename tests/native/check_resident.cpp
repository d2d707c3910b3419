// Checks the kernels of a chain of layers (csrc/cuda/resident.hpp) against those of its commands one by one, on
// cuda_on_cpu. An argument is the number of random chains; tests/cuda/test_resident.py runs it.
#include <algorithm>
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

template <class T> void run_plain(const Chain<T>& chain) {
    const KernelTable<T>& k = kernels<T>();
    for (const cuda::Stage<T>& stage : chain.stages) {
        if (auto* l = std::get_if<const LinearForward<T>*>(&stage)) k.linear_forward(**l);
        if (auto* l = std::get_if<const CrossEntropy<T>*>(&stage)) k.cross_entropy(**l);
        if (auto* l = std::get_if<const PointwiseLoss<T>*>(&stage)) k.pointwise_loss(**l);
        if (auto* l = std::get_if<const LinearGradInput<T>*>(&stage)) k.linear_grad_input(**l);
        if (auto* l = std::get_if<const LinearSgd<T>*>(&stage)) k.linear_sgd(**l);
        if (auto* l = std::get_if<const LinearAdam<T>*>(&stage)) k.linear_adam(**l);
    }
}

// The largest difference relative to the largest number, or infinity.
template <class T> double difference(const std::vector<T>& found, const std::vector<T>& expected) {
    double worst = 0, size = 1e-3;
    for (const T x : expected) size = std::max(size, std::abs(double(x)));
    for (std::size_t i = 0; i < found.size(); ++i) {
        if (std::memcmp(&found[i], &expected[i], sizeof(T)) == 0) continue;
        const double d = std::abs(double(found[i]) - double(expected[i]));
        worst = d <= worst ? worst : std::isnan(d) ? HUGE_VAL : d;
    }
    return worst / size;
}

template <class T> void check(const Case& c) {
    ++chains;
    Chain<T> plain(c), resident(c), again(c);
    run_plain(plain);
    const auto is_needed = [&](Chain<T>& chain) {
        return [&chain, &c](const void* p) { return c.stores || (p == chain.last && chain.last); };
    };
    const auto fail = [&](const std::string& what) {
        ++failures;
        std::printf("%s, %s: %s\n", sizeof(T) == 4 ? "float" : "double", c.text().c_str(), what.c_str());
    };
    if (!cuda::fits_resident<T>(resident.stages, is_needed(resident))) return fail("does not fit");
    cuda::run_resident<T>(resident.stages, is_needed(resident));
    cuda::run_resident<T>(again.stages, is_needed(again));
    const double limit = sizeof(T) == 4 ? 3e-5 : 1e-12;
    for (auto& [name, array] : resident.arrays) {
        const auto &expected = plain.arrays.at(name), &second = again.arrays.at(name);
        if (std::memcmp(array.data(), second.data(), array.size() * sizeof(T)) != 0)
            fail(name + " differs in a second run");
        const bool is_inner = resident.inner.count(name) > 0;
        if (is_inner && !c.stores && array.data() != resident.last) {
            for (const T x : array)
                if (x != T(poison)) {
                    fail(name + " was stored");
                    break;
                }
            continue;
        }
        const double d = difference(array, expected);
        const bool is_exact = (name[0] == 'y' || name[0] == 'z') && !resident.inexact.count(name);
        if (is_exact ? d != 0 : !(d <= limit))
            fail(name + " differs by " + std::to_string(d / limit) + " of the limit");
    }
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
        c.in_place = below(2), c.stores = below(2), c.updates_last = below(2);
        c.reuses = !c.stores && !c.updates_last && below(2);
        check<T>(c);
    }
    for (int f = 0; f < activation_count; ++f) { // every activation, backward from y or z
        Case c;
        c.m = 21, c.widths = {5, 37, 4}, c.activations = {f, -1};
        c.loss = 3, c.reduction = Reduction::mean, c.backward = true, c.stores = true, c.seed = unsigned(f);
        check<T>(c);
    }
    Case large;
    large.m = 1000, large.widths = {20, 48, 10}, large.activations = {2, -1};
    large.loss = 0, large.backward = true, large.ignores = true, large.reduction = Reduction::mean, large.optimiser = 1;
    large.momentum = large.has_bias = true;
    check<T>(large);
}

} // namespace

int main(int count, char** arguments) {
    cuda::call.kernel = "check";
    const int chains_each = count > 1 ? std::atoi(arguments[1]) : 40;
    check_all<float>(chains_each);
    check_all<double>(chains_each / 2);
    std::printf("%d chains, %d failures\n", chains, failures);
    return failures > 0;
}
