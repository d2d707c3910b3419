// The losses: value and gradient in one visit to the scores.
#include "rows.hpp"

#include "../fastgrad/losses.hpp"

namespace fastgrad::cuda {
namespace {

constexpr Size sum_block = 4096; // numbers that a block adds up

// to[b] = the sum of the b-th `sum_block` numbers; then the last block's worth is one number.
__global__ void partial_sums(double* to, const double* from, Size n) {
    __shared__ double room[32];
    const Size begin = Size(blockIdx.x) * sum_block, end = begin + sum_block < n ? begin + sum_block : n;
    double sum = 0;
    for (Size i = begin + threadIdx.x; i < end; i += blockDim.x) sum += from[i];
    sum = over_block(sum, Add(), room, 0.0);
    if (threadIdx.x == 0) to[blockIdx.x] = sum;
}
template <class T> __global__ void finish_loss(T* loss, const double* parts, Size n, const double* denominator) {
    __shared__ double room[32];
    double sum = 0;
    for (Size i = threadIdx.x; i < n; i += blockDim.x) sum += parts[i];
    sum = over_block(sum, Add(), room, 0.0);
    if (threadIdx.x == 0) *loss = T(sum / *denominator);
}

std::size_t room_for_sums(Size n) { return std::size_t(blocks_for(n, sum_block)) * sizeof(double) + 256; }

// *loss = the sum of n numbers over *denominator
template <class T> void total(T* loss, const double* each, Size n, const double* denominator) {
    while (n > sum_block) {
        const unsigned blocks = blocks_for(n, sum_block);
        double* parts = scratch_of<double>(blocks);
        launch(partial_sums, dim3(blocks), 256, 0, parts, each, n);
        each = parts, n = blocks;
    }
    launch(finish_loss<T>, dim3(1), 256, 0, loss, each, n, denominator);
}

// Row i has loss -sum_c q_c log p_c and gradient p_c sum(q) - q_c; the coefficients q are those of csrc/cpu's.
template <class T> struct Rows {
    CrossEntropy<T> l;

    __device__ std::int64_t target(Size i) const { return l.index ? l.index[i] : 0; }
    // Targets that are no class have been found already, and count as ignored.
    __device__ bool ignored(Size i) const {
        const std::int64_t t = target(i);
        return l.index && (t == l.ignore_index || t < 0 || t >= l.c);
    }
    __device__ T weight(Size c) const { return l.weight ? l.weight[c] : T(1); }
    __device__ T own(Size i) const { return l.index ? T(1 - l.label_smoothing) * weight(target(i)) : T(0); }
    __device__ T coefficient(Size i, Size j) const {
        T q = T(l.label_smoothing / double(l.c));
        if (l.probability) q = fma(Vec<T>(l.probability[i * l.c + j]), Vec<T>(1 - l.label_smoothing), Vec<T>(q)).v;
        q = l.weight ? q * l.weight[j] : q;
        return l.index && j == target(i) ? q + own(i) : q;
    }
};

// What the sum of the losses is divided by: one block, in a fixed order.
template <class T> __global__ void denominator_kernel(double* denominator, Rows<T> rows) {
    __shared__ double room[32];
    const CrossEntropy<T>& l = rows.l;
    double sum = 0;
    if (l.reduction == Reduction::mean && l.index)
        for (Size i = threadIdx.x; i < l.n; i += blockDim.x)
            if (!rows.ignored(i)) sum += double(rows.weight(rows.target(i)));
    sum = over_block(sum, Add(), room, 0.0);
    if (threadIdx.x == 0) *denominator = l.reduction != Reduction::mean ? 1 : l.index ? sum : double(l.n);
}

template <int threads, class T>
__global__ void cross_entropy_kernel(Rows<T> rows, double* each, const double* denominator) {
    const CrossEntropy<T>& l = rows.l;
    const RowTeam<threads> team;
    const Size i = team.first_row();
    if (i >= l.n) return;
    const T *x = l.x + i * l.c, scale = T(1 / *denominator);
    T* dx = l.dx ? l.dx + i * l.c : nullptr;
    if (rows.ignored(i)) {
        if (team.rank == 0) each[i] = 0;
        if (dx) team.each(l.c, [&](Size j) { dx[j] = 0; });
        if (team.rank == 0 && l.reduction == Reduction::none) l.loss[i] = 0;
        return;
    }
    T max = 0, log_total = 0, inverse = 0;
    if (!l.log_probabilities) {
        max = team.largest(x, l.c);
        const T sum = team.template sum<T>(l.c, [&](Size j) { return exp(Vec<T>(x[j] - max)).v; });
        log_total = log(Vec<T>(sum)).v, inverse = T(1) / sum;
    }
    T loss, sum_q;
    if (l.probability || l.label_smoothing != 0) {
        loss = -team.template sum<T>(l.c, [&](Size j) { return rows.coefficient(i, j) * (x[j] - max - log_total); });
        sum_q = team.template sum<T>(l.c, [&](Size j) { return rows.coefficient(i, j); });
    } else {
        sum_q = rows.own(i);
        loss = sum_q * -(x[rows.target(i)] - max - log_total);
        if constexpr (threads == 32) __syncwarp(); // dx may be x: everybody has read the target's score
        else __syncthreads();
    }
    if (team.rank == 0) each[i] = double(loss);
    if (team.rank == 0 && l.reduction == Reduction::none) l.loss[i] = loss;
    if (!dx) return;
    const T all = sum_q * scale;
    team.each(l.c, [&](Size j) {
        const T p = l.log_probabilities ? T(0) : exp(Vec<T>(x[j] - max)).v * inverse * all;
        dx[j] = p - rows.coefficient(i, j) * scale;
    });
}

constexpr Size loss_block = 2048; // elements of a block

template <class L, class T> __global__ void pointwise_kernel(PointwiseLoss<T> l, T scale, double* sums) {
    __shared__ double room[32];
    const Size begin = Size(blockIdx.x) * loss_block, end = begin + loss_block < l.n ? begin + loss_block : l.n;
    double sum = 0;
    for (Size i = begin + threadIdx.x; i < end; i += blockDim.x) {
        const Vec<T> pos_weight = l.pos_weight ? l.pos_weight[i] : T(1), parameter = l.parameter;
        LossValue<Vec<T>> r = L::evaluate(Vec<T>(l.x[i]), Vec<T>(l.target[i]), parameter, pos_weight);
        if (l.weight) r.value = r.value * Vec<T>(l.weight[i]), r.gradient = r.gradient * Vec<T>(l.weight[i]);
        if (l.dx) l.dx[i] = (r.gradient * Vec<T>(scale)).v;
        if (l.reduction == Reduction::none) l.loss[i] = r.value.v;
        else sum += double(r.value.v);
    }
    if (l.reduction == Reduction::none) return;
    sum = over_block(sum, Add(), room, 0.0);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

__global__ void store_number(double* to, double value) { *to = value; }

} // namespace

template <class T> void cross_entropy(const CrossEntropy<T>& l) {
    reserve(256 + std::size_t(l.n + 1) * sizeof(double) + 256 + 2 * room_for_sums(l.n));
    double *denominator = scratch_of<double>(1), *each = scratch_of<double>(l.n + 1);
    const Rows<T> rows{l};
    launch(denominator_kernel<T>, dim3(1), 1024, 0, denominator, rows);
    launch_rows(cross_entropy_kernel<32, T>, cross_entropy_kernel<row_block, T>, l.n, l.c, rows, each, denominator);
    if (l.reduction != Reduction::none) total(l.loss, each, l.n, denominator);
}

#define FASTGRAD_KERNEL_OF(L) pointwise_kernel<L, T>,
template <class T> void pointwise_loss(const PointwiseLoss<T>& l) {
    constexpr void (*kernel_of[])(PointwiseLoss<T>, T, double*) = {FASTGRAD_POINTWISE_LOSSES(FASTGRAD_KERNEL_OF)};
    const double denominator = l.reduction == Reduction::mean ? double(l.n) : 1;
    const unsigned blocks = blocks_for(l.n, loss_block);
    reserve(256 + std::size_t(blocks + 1) * sizeof(double) + 256 + 2 * room_for_sums(blocks));
    double *divisor = scratch_of<double>(1), *sums = scratch_of<double>(Size(blocks) + 1);
    launch(kernel_of[int(l.kind)], dim3(blocks), 256, 0, l, T(1 / denominator), sums);
    if (l.reduction == Reduction::none) return;
    launch(store_number, dim3(1), 1, 0, divisor, denominator);
    total(l.loss, sums, Size(blocks), divisor);
}
#undef FASTGRAD_KERNEL_OF

#define FASTGRAD_INSTANTIATE(T)                                                                                        \
    template void cross_entropy(const CrossEntropy<T>&);                                                               \
    template void pointwise_loss(const PointwiseLoss<T>&);
FASTGRAD_INSTANTIATE(float)
FASTGRAD_INSTANTIATE(double)

} // namespace fastgrad::cuda
