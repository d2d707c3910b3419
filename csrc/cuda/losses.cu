// The losses: value and gradient in one visit to the scores.
#include "loss_values.hpp"

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
// What a sum is divided by: a number, or one that a kernel has left in memory.
struct Denominator {
    const double* at;
    double value;
};

template <class T> __global__ void finish_loss(T* loss, const double* parts, Size n, Denominator denominator) {
    __shared__ double room[32];
    double sum = 0;
    for (Size i = threadIdx.x; i < n; i += blockDim.x) sum += parts[i];
    sum = over_block(sum, Add(), room, 0.0);
    if (threadIdx.x == 0) *loss = T(sum / (denominator.at ? *denominator.at : denominator.value));
}

std::size_t room_for_sums(Size n) { return std::size_t(blocks_for(n, sum_block)) * sizeof(double) + 256; }

// Few enough numbers for one block, with the same sum.
const double* few(const double* each, Size& n) {
    while (n > sum_block) {
        const unsigned blocks = blocks_for(n, sum_block);
        double* parts = scratch_of<double>(blocks);
        launch(partial_sums, dim3(blocks), 256, 0, parts, each, n);
        each = parts, n = blocks;
    }
    return each;
}
// *loss = the sum of n numbers over the denominator
template <class T> void total(T* loss, const double* each, Size n, Denominator denominator) {
    each = few(each, n);
    launch(finish_loss<T>, dim3(1), 256, 0, loss, each, n, denominator);
}

// Part of the denominator: of the rows of one block.
template <class T> __global__ void denominator_kernel(double* parts, CrossEntropy<T> l) {
    __shared__ double room[32];
    const Size begin = Size(blockIdx.x) * sum_block, end = begin + sum_block;
    const double sum = denominator_of(Classes<T>{l}, room, begin, end < l.n ? end : l.n);
    if (threadIdx.x == 0) parts[blockIdx.x] = sum;
}

// With few rows every block finds the denominator itself; `given` is null then, and the first one leaves it in `made`.
template <int threads, class T>
__global__ void cross_entropy_kernel(CrossEntropy<T> l, double* each, const double* given, double* made) {
    __shared__ double room[32];
    const Classes<T> classes{l};
    const double denominator = given ? *given : denominator_of(classes, room, 0, l.n);
    if (!given && blockIdx.x == 0 && threadIdx.x == 0) *made = denominator;
    const RowTeam<threads> team;
    const Size i = team.first_row();
    if (i >= l.n) return;
    const T loss =
        cross_entropy_row(classes, team, i, l.x + i * l.c, l.dx ? l.dx + i * l.c : nullptr, T(1 / denominator));
    if (team.rank == 0) each[i] = double(loss);
    if (team.rank == 0 && l.reduction == Reduction::none) l.loss[i] = loss;
}

constexpr Size loss_block = 2048; // elements of a block

template <class L, class T> __global__ void pointwise_kernel(PointwiseLoss<T> l, T scale, double* sums) {
    __shared__ double room[32];
    const Size begin = Size(blockIdx.x) * loss_block, end = begin + loss_block < l.n ? begin + loss_block : l.n;
    double sum = 0;
    for (Size i = begin + threadIdx.x; i < end; i += blockDim.x) {
        const LossValue<Vec<T>> r = pointwise_value<L>(l, l.x[i], i);
        if (l.dx) l.dx[i] = (r.gradient * Vec<T>(scale)).v;
        if (l.reduction == Reduction::none) l.loss[i] = r.value.v;
        else sum += double(r.value.v);
    }
    if (l.reduction == Reduction::none) return;
    sum = over_block(sum, Add(), room, 0.0);
    if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

} // namespace

std::size_t room_for_denominator(Size n) { return 3 * room_for_sums(n); }

template <class T> const double* find_denominator(const CrossEntropy<T>& l) {
    if (l.reduction != Reduction::mean || !l.index || l.n <= few_rows) return nullptr;
    const unsigned blocks = blocks_for(l.n, sum_block);
    double *parts = scratch_of<double>(blocks), *sum = scratch_of<double>(1);
    launch(denominator_kernel<T>, dim3(blocks), 256, 0, parts, l);
    Size left = blocks;
    const double* rest = few(parts, left);
    launch(partial_sums, dim3(1), 256, 0, sum, rest, left);
    return sum;
}

template <class T> void cross_entropy(const CrossEntropy<T>& l) {
    reserve(256 + std::size_t(l.n + 1) * sizeof(double) + 256 + room_for_denominator(l.n) + 2 * room_for_sums(l.n));
    double *made = scratch_of<double>(1), *each = scratch_of<double>(l.n + 1);
    const double* given = find_denominator(l);
    launch_rows(cross_entropy_kernel<32, T>, cross_entropy_kernel<row_block, T>, l.n, l.c, l, each, given, made);
    const Denominator of_no_row = {nullptr, l.reduction == Reduction::mean ? 0.0 : 1.0}; // none has left one
    if (l.reduction != Reduction::none)
        total(l.loss, each, l.n, l.n ? Denominator{given ? given : made, 0} : of_no_row);
}

#define FASTGRAD_KERNEL_OF(L) pointwise_kernel<L, T>,
template <class T> void pointwise_loss(const PointwiseLoss<T>& l) {
    constexpr void (*kernel_of[])(PointwiseLoss<T>, T, double*) = {FASTGRAD_POINTWISE_LOSSES(FASTGRAD_KERNEL_OF)};
    const double denominator = l.reduction == Reduction::mean ? double(l.n) : 1;
    const unsigned blocks = blocks_for(l.n, loss_block);
    reserve(std::size_t(blocks) * sizeof(double) + 256 + 2 * room_for_sums(blocks));
    double* sums = scratch_of<double>(blocks);
    launch(kernel_of[int(l.kind)], dim3(blocks), 256, 0, l, T(1 / denominator), sums);
    if (l.reduction == Reduction::none) return;
    total(l.loss, sums, Size(blocks), {nullptr, denominator});
}
#undef FASTGRAD_KERNEL_OF

#define FASTGRAD_INSTANTIATE(T)                                                                                        \
    template const double* find_denominator(const CrossEntropy<T>&);                                                   \
    template void cross_entropy(const CrossEntropy<T>&);                                                               \
    template void pointwise_loss(const PointwiseLoss<T>&);
FASTGRAD_INSTANTIATE(float)
FASTGRAD_INSTANTIATE(double)

} // namespace fastgrad::cuda
