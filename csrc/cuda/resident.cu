// The kernels of a chain of layers whose rows stay in shared memory, and how they are started.
#include "loss_values.hpp"
#include "resident_plan.hpp"
#include "resident_rows.hpp"
#include "resident_updates.hpp"

#include <algorithm>

namespace fastgrad::cuda {
namespace {

// What the block's threads know of the loss of the rows so far, and of its scale.
struct LossSoFar {
    double sum, denominator;
};

// The gradient of the loss of rows [first, first + rows), if `dx` is not null, from the scores x; adds up the loss.
template <class T> __device__ __forceinline__ void
cross_entropy_rows(const ResidentProgram<T>& program, LossSoFar& loss, T* dx, const T* x, Size first, int rows, int n) {
    const Classes<T> classes{program.classes};
    const RowTeam<32> team;
    const T scale = T(1 / loss.denominator);
    for (int r = int(threadIdx.x) / 32; r < rows; r += resident_threads / 32) {
        T* to = dx ? dx + r * row_stride(n) : nullptr;
        const T value = cross_entropy_row(classes, team, first + r, x + r * row_stride(n), to, scale);
        if (dx && n + team.rank < padded(n)) to[n + team.rank] = 0;
        if (team.rank != 0) continue;
        loss.sum += double(value);
        if (classes.l.reduction == Reduction::none) classes.l.loss[first + r] = value;
    }
}
template <class T> __device__ __attribute__((noinline)) double pointwise_rows(const PointwiseLoss<T>& l, T scale, T* dx,
                                                                              const T* x, Size first, int rows, int n) {
    double sum = 0;
    const auto with = [&]<class L>(L) {
        for_each_in_rows(rows, padded(n), [&](int r, int j) {
            const int at = r * row_stride(n) + j;
            if (j >= n) {
                if (dx) dx[at] = 0;
                return;
            }
            const Size i = (first + r) * n + j;
            const LossValue<Vec<T>> value = pointwise_value<L>(l, x[at], i);
            if (dx) dx[at] = (value.gradient * Vec<T>(scale)).v;
            if (l.reduction == Reduction::none) l.loss[i] = value.value.v;
            else sum += double(value.value.v);
        });
    };
    int kind = 0;
#define FASTGRAD_CASE(L)                                                                                               \
    if (int(l.kind) == kind++) with(L());
    FASTGRAD_POINTWISE_LOSSES(FASTGRAD_CASE)
#undef FASTGRAD_CASE
    return sum;
}

// One operation on the rows [first, first + count) that the block has in `buffers`.
template <int rows, class T>
__device__ __forceinline__ void run_operation(const ResidentProgram<T>& program, const ResidentUpdates<T>& updates,
                                              const Operation<T>& o, T* tiles, T* buffers, Size first, int count,
                                              bool is_first, LossSoFar& loss) {
    T* const to = buffers + o.to * rows;
    const T* const from = buffers + o.from * rows;
    const int n = o.n, k = o.k;
    switch (o.kind) {
    case Operation<T>::load:
        for_each_in_rows(count, padded(k), [&](int r, int j) {
            T* place = to + r * row_stride(k) + j;
            if (j < k) copy_later(place, o.memory + (first + r) * o.rows + Size(j) * o.columns);
            else *place = 0;
        });
        wait_for_copies();
        break;
    case Operation<T>::multiply: {
        const View<T> w{o.memory, o.rows, o.columns};
        if (n <= 32) multiply_rows<rows, 32>(to, from, tiles, w, o.b, n, k);
        else if (n <= 64) multiply_rows<rows, 64>(to, from, tiles, w, o.b, n, k);
        else multiply_rows<rows, widest_layer>(to, from, tiles, w, o.b, n, k);
        break;
    }
    case Operation<T>::activate:
        activate_rows(to, from, count, n, BoundActivation{o.number, o.parameters, Reads(o.reads)});
        break;
    case Operation<T>::derive:
        derive_rows(to, from, count, n, BoundActivation{o.number, o.parameters, Reads(o.reads)});
        break;
    case Operation<T>::loss: {
        T* const dx = o.to >= 0 ? to : nullptr;
        if (program.loss == ResidentLoss::classes) cross_entropy_rows(program, loss, dx, from, first, count, n);
        else loss.sum += pointwise_rows(program.pointwise, T(1 / loss.denominator), dx, from, first, count, n);
        break;
    }
    case Operation<T>::update: {
        const auto& layer = updates.layers[o.number];
        T* const dw = program.sums + Size(blockIdx.x) * updates.total + layer.begin;
        if (layer.transposed) sum_products(dw, !is_first, from, to, count, k, n); // as (k, n) in memory
        else sum_products(dw, !is_first, to, from, count, n, k);
        if (layer.b.p) sum_columns(dw + n * k, !is_first, to, count, n);
        break;
    }
    case Operation<T>::store:
        for_each_in_rows(count, n, [&](int r, int j) { o.memory[(first + r) * n + j] = from[r * row_stride(n) + j]; });
        break;
    }
}

// All operations for the block's rows, `rows` at a time. Weights are read only, until all rows are done. One block a
// multiprocessor is enough: it gets registers.
template <int rows, class T> __global__ void __launch_bounds__(resident_threads, 1)
    resident_kernel(const __grid_constant__ ResidentProgram<T> program,
                    const __grid_constant__ ResidentUpdates<T> updates) {
    __shared__ double room[resident_threads / 32];
    __shared__ __align__(16) ResidentRules<T> rules;
    T *const tiles = dynamic_shared<T>(), *const buffers = tiles + tile_numbers<rows, T>;
    LossSoFar loss{0, 1};
    if (updates.is_at_once) rules.make(updates);
    if (program.loss == ResidentLoss::classes)
        loss.denominator = program.denominator
                               ? *program.denominator
                               : denominator_of(Classes<T>{program.classes}, room, 0, program.classes.n);
    else if (program.loss == ResidentLoss::pointwise && program.pointwise.reduction == Reduction::mean)
        loss.denominator = double(program.pointwise.n);
    const Size begin = Size(blockIdx.x) * rows;
    for (Size first = begin; first < program.m; first += Size(gridDim.x) * rows) {
        const int count = program.m - first < rows ? int(program.m - first) : rows;
        for (int i = 0; i < program.count; ++i) {
            run_operation<rows>(program, updates, program.operations[i], tiles, buffers, first, count, first == begin,
                                loss);
            __syncthreads();
        }
    }
    if (program.loss != ResidentLoss::none) {
        const double sum = over_block(loss.sum, Add(), room, 0.0);
        if (threadIdx.x == 0 && program.is_alone) {
            if (program.loss_value) *program.loss_value = T(sum / loss.denominator);
        } else if (threadIdx.x == 0) {
            program.loss_sums[blockIdx.x] = sum;
            if (blockIdx.x == 0) program.loss_sums[gridDim.x] = loss.denominator;
        }
    }
    if (updates.is_at_once)
        for (int at = int(threadIdx.x); at < updates.total; at += resident_threads)
            rules.apply(updates, at, program.sums[at]);
}

constexpr int unit = 64, turns = resident_threads / unit; // gradients of a block; threads that add one up

// What follows when all blocks are done: the sums over them, and updates with those; one more block does the loss.
template <class T> __global__ void __launch_bounds__(resident_threads)
    finish_kernel(const __grid_constant__ ResidentUpdates<T> updates, const T* sums, int blocks, T* loss_value,
                  const double* loss_sums) {
    __shared__ __align__(16) ResidentRules<T> rules;
    __shared__ T part[turns][unit];
    __shared__ double room[resident_threads / 32];
    if (int(blockIdx.x) * unit >= updates.total) {
        double sum = 0;
        for (int i = int(threadIdx.x); i < blocks; i += resident_threads) sum += loss_sums[i];
        sum = over_block(sum, Add(), room, 0.0);
        if (threadIdx.x == 0) *loss_value = T(sum / loss_sums[blocks]);
        return;
    }
    const int mine = int(threadIdx.x) % unit, turn = int(threadIdx.x) / unit, at = int(blockIdx.x) * unit + mine;
    T sum = 0;
    if (at < updates.total)
#pragma unroll 4
        for (int i = turn; i < blocks; i += turns) sum += sums[Size(i) * updates.total + at];
    part[turn][mine] = sum;
    rules.make(updates);
    __syncthreads();
    if (turn > 0 || at >= updates.total) return;
    for (int t = 1; t < turns; ++t) sum += part[t][mine];
    rules.apply(updates, at, sum);
}

template <class T> struct Choice {
    int rows, tile_numbers;
    void (*kernel)(ResidentProgram<T>, ResidentUpdates<T>);
};
template <int rows, class T> constexpr Choice<T> choice_of{rows, tile_numbers<rows, T>, resident_kernel<rows, T>};
template <class T> const auto& choices() {
    if constexpr (sizeof(T) == 4) {
        static constexpr Choice<T> all[] = {choice_of<8, T>, choice_of<16, T>, choice_of<32, T>, choice_of<64, T>};
        return all;
    } else { // for checks: fewer kernels
        static constexpr Choice<T> all[] = {choice_of<8, T>, choice_of<32, T>};
        return all;
    }
}

constexpr double little_work = 5e5;             // multiplications that one block does as soon as two kernels
constexpr int few_gradients = 2048;             // updated by one block as soon as by another kernel
constexpr std::size_t most_of_sums = 32u << 20; // bytes that all blocks' sums of gradients take

template <class T> std::size_t shared_bytes(const ResidentPlan<T>& plan, const Choice<T>& choice) {
    return (std::size_t(choice.tile_numbers) + std::size_t(plan.row_numbers) * std::size_t(choice.rows)) * sizeof(T);
}
std::size_t shared_limit() {
    int device = 0, bytes = 0;
    check(cudaGetDevice(&device));
    check(cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device));
    return std::size_t(bytes) - 4096; // the kernel's static arrays
}
template <class T> bool fits(const ResidentPlan<T>& plan, const Choice<T>& choice) {
    return shared_bytes(plan, choice) <= shared_limit();
}
template <class T> bool fits(const ResidentPlan<T>& plan) {
    return plan.program.m > 0 &&
           std::ranges::any_of(choices<T>(), [&](const Choice<T>& choice) { return fits(plan, choice); });
}

// One block, if there is little to do. Otherwise few rows a block, so that a small batch is spread over many
// multiprocessors, as long as that makes not too many sums to be added up.
template <class T> const Choice<T>& choose(const ResidentPlan<T>& plan) {
    const Size m = plan.program.m;
    if (double(m) * plan.row_work <= little_work && plan.updates.total <= few_gradients)
        for (const Choice<T>& choice : choices<T>())
            if (fits(plan, choice) && choice.rows >= m) return choice;
    const Choice<T>* best = nullptr;
    for (const Choice<T>& choice : choices<T>()) {
        if (!fits(plan, choice)) continue;
        best = &choice;
        const std::size_t blocks = blocks_for(m, choice.rows);
        if (blocks <= std::size_t(multiprocessors()) &&
            blocks * std::size_t(plan.updates.total) * sizeof(T) <= most_of_sums)
            break;
    }
    return *best;
}

template <class T> void start(ResidentPlan<T>& plan) {
    auto& [program, updates, row_numbers, row_work] = plan;
    const Choice<T>& choice = choose(plan);
    const std::size_t shared = shared_bytes(plan, choice), sums = std::size_t(updates.total) * sizeof(T);
    check(cudaFuncSetAttribute(choice.kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, int(shared_limit())));
    int at_once = 0;
    check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&at_once, choice.kernel, resident_threads, shared));
    Size blocks = blocks_for(program.m, choice.rows);
    blocks = std::min(blocks, Size(multiprocessors()) * std::max(at_once, 1));
    if (sums > 0) blocks = std::min(blocks, std::max(Size(most_of_sums / sums), Size(multiprocessors())));
    program.is_alone = blocks == 1;
    updates.is_at_once = program.is_alone && updates.total > 0 && updates.total <= few_gradients;
    const bool is_classes = program.loss == ResidentLoss::classes;
    reserve(std::size_t(blocks) * sums + 256 + std::size_t(blocks + 1) * sizeof(double) + 256 +
            (is_classes ? room_for_denominator(program.m) : 0));
    if (is_classes) program.denominator = find_denominator(program.classes);
    program.sums = scratch_of<T>(blocks * updates.total);
    program.loss_sums = scratch_of<double>(blocks + 1);
    launch(choice.kernel, dim3(unsigned(blocks)), resident_threads, shared, program, updates);
    const bool has_loss = program.loss_value && !program.is_alone;
    const unsigned units = updates.is_at_once ? 0 : blocks_for(updates.total, unit);
    if (updates.is_at_once) updates.total = 0;
    launch(finish_kernel<T>, dim3(units + has_loss), resident_threads, 0, updates, static_cast<const T*>(program.sums),
           int(blocks), program.loss_value, static_cast<const double*>(program.loss_sums));
}

} // namespace

template <class T> bool fits_resident(const std::vector<Stage<T>>& stages, const IsNeeded& is_needed) {
    const auto plan = plan_resident(stages, is_needed);
    return plan && fits(*plan);
}

template <class T> void run_resident(const std::vector<Stage<T>>& stages, const IsNeeded& is_needed) {
    auto plan = plan_resident(stages, is_needed);
    if (!plan || !fits(*plan)) throw std::logic_error(std::string(call.kernel) + "(): the stages do not fit");
    int i = 0;
    for (const Stage<T>& stage : stages) {
        if (const auto* l = std::get_if<const LinearSgd<T>*>(&stage))
            plan->updates.layers[i++].sgd = latest((*l)->options);
        else if (const auto* a = std::get_if<const LinearAdam<T>*>(&stage))
            plan->updates.layers[i++].adam = latest((*a)->options);
    }
    start(*plan);
}

#define FASTGRAD_INSTANTIATE(T)                                                                                        \
    template bool fits_resident(const std::vector<Stage<T>>&, const IsNeeded&);                                        \
    template void run_resident(const std::vector<Stage<T>>&, const IsNeeded&);
FASTGRAD_INSTANTIATE(float)
FASTGRAD_INSTANTIATE(double)

} // namespace fastgrad::cuda
