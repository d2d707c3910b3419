// SGD and Adam over all parameters of a call, and over a weight whose gradient is a product that is never stored.
#include "column_sums.hpp"
#include "epilogues.hpp"
#include "product.hpp"
#include "rules.hpp"

namespace fastgrad::cuda {

namespace {

constexpr int most_parameters = 48; // of one launch: they travel as its arguments
constexpr Size unit = 1024;         // elements of a block

template <class S> struct Parameters {
    S parameter[most_parameters];
    unsigned first_block[most_parameters + 1];
    int count;
};

// The one that this block works on.
template <class S> __device__ int parameter_of_block(const Parameters<S>& all) {
    int low = 0;
    for (int high = all.count; high - low > 1;) {
        const int middle = (low + high) / 2;
        (all.first_block[middle] <= blockIdx.x ? low : high) = middle;
    }
    return low;
}

template <class T, class S, class Options>
__global__ void update_kernel(const Parameters<S> all, Latest<Options> options) {
    const int i = parameter_of_block(all);
    const S s = all.parameter[i];
    const Size begin = Size(blockIdx.x - all.first_block[i]) * unit, end = begin + unit < s.n ? begin + unit : s.n;
    using Rule = decltype(rule_of<T>(options.get(), s));
    __shared__ __align__(16) unsigned char room[sizeof(Rule)];
    if (threadIdx.x == 0) { // for the block: Adam's takes two powers
        const Rule made = rule_of<T>(options.get(), s);
        memcpy(room, &made, sizeof made);
    }
    __syncthreads();
    Rule rule;
    memcpy(&rule, room, sizeof rule);
    for (Size at = begin + threadIdx.x; at < end; at += blockDim.x)
        apply_vector<T>(rule, s, at, Vec<T>(s.grad[at]), Whole());
}

template <class T, class S, class Options> void update(const S* parameters, Size count, const Options& options) {
    for (Size begin = 0; begin < count;) {
        Parameters<S> all{};
        unsigned blocks = 0;
        for (; begin < count && all.count < most_parameters; ++begin) {
            if (parameters[begin].n == 0) continue;
            all.parameter[all.count] = parameters[begin];
            all.first_block[all.count++] = blocks;
            blocks += blocks_for(parameters[begin].n, unit);
        }
        all.first_block[all.count] = blocks;
        launch(update_kernel<T, S, Options>, dim3(blocks), 256, 0, all, latest(options));
    }
}

// The epilogue of dw = dzᵀ x: element (i, j) of the product is number i * inner + j of w in memory.
template <class T, class S, class Options> struct Apply {
    static constexpr bool is_plain = false;
    S w;
    Options options;
    Size inner;
    __device__ void operator()(Size i, Size j, const T* dw, int count) const {
        const auto rule = rule_of<T>(options.get(), w);
#pragma unroll
        for (int c = 0; c < fragment; ++c)
            if (c < count) apply_vector<T>(rule, w, i * inner + j + c, Vec<T>(dw[c]), Whole());
    }
};

// What becomes of db.
template <class T, class S, class Options> struct ApplySum {
    S b;
    Options options;
    __device__ void operator()(Size j, T db) const {
        apply_vector<T>(rule_of<T>(options.get(), b), b, j, Vec<T>(db), Whole());
    }
};

// The options, or the rules that they make, for w and for b.
template <class T> auto rules_for(const LinearSgd<T>& l) { return std::pair(latest(l.options), latest(l.options)); }
template <class T> auto rules_for(const LinearAdam<T>& l) {
    auto* const rules = scratch_of<AdamRule<Vec<T>>>(2);
    launch(make_rules<T>, dim3(1), 2, 0, rules, latest(l.options), l.w.step, l.b.step);
    return std::pair(MadeRule<T>{rules}, MadeRule<T>{rules + 1});
}

template <class T, class L> void update_from_gradients(const L& l) {
    const View<T> dz{l.dz, l.n, 1};
    const Size outer = l.transposed ? l.k : l.n, inner = l.transposed ? l.n : l.k;
    const View<T> left = (l.transposed ? l.x : dz).transposed(), right = l.transposed ? dz : l.x;
    const Product<T> dw({1, outer, inner, l.m, nullptr, left, right, 0, 0, l.precision});
    reserve(2 * sizeof(AdamRule<Vec<T>>) + 256 + room_for_column_sums<T>(l.m, l.n) + dw.room());
    const auto [for_w, for_b] = rules_for<T>(l);
    using W = decltype(l.w);
    using Options = std::remove_const_t<decltype(for_w)>;
    if (l.b.p) column_sums(l.dz, l.m, l.n, ApplySum<T, decltype(l.b), Options>{l.b, for_b});
    dw.run(Apply<T, W, Options>{l.w, for_w, inner});
}

} // namespace

template <class T> void sgd(const Sgd<T>* parameters, Size count, const SgdOptions& o) {
    update<T>(parameters, count, o);
}
template <class T> void adam(const Adam<T>* parameters, Size count, const AdamOptions& o) {
    update<T>(parameters, count, o);
}
template <class T> void linear_sgd(const LinearSgd<T>& l) { update_from_gradients<T>(l); }
template <class T> void linear_adam(const LinearAdam<T>& l) { update_from_gradients<T>(l); }

#define FASTGRAD_INSTANTIATE(T)                                                                                        \
    template void sgd(const Sgd<T>*, Size, const SgdOptions&);                                                         \
    template void adam(const Adam<T>*, Size, const AdamOptions&);                                                      \
    template void linear_sgd(const LinearSgd<T>&);                                                                     \
    template void linear_adam(const LinearAdam<T>&);
FASTGRAD_INSTANTIATE(float)
FASTGRAD_INSTANTIATE(double)

} // namespace fastgrad::cuda
