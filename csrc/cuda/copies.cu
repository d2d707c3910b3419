// Copies between layouts, rows in a given order, and the checks of numbers of rows and classes.
#include "grid.hpp"

#include "../bindings/checks.hpp"
#include "../fastgrad/copy.hpp"

namespace fastgrad {
namespace cuda {
namespace {

constexpr int most_axes = 32;
struct Layout {
    int axes;
    Size shape[most_axes], to[most_axes], from[most_axes]; // strides in bytes
};

template <class Item> __global__ void copy_kernel(char* to, const char* from, Size n, Layout l) {
    for_each_element(n, [&](Size i) {
        Size t = 0, f = 0;
        for (int axis = l.axes - 1; axis >= 0; --axis) {
            const Size at = i % l.shape[axis];
            i /= l.shape[axis];
            t += at * l.to[axis], f += at * l.from[axis];
        }
        *reinterpret_cast<Item*>(to + t) = *reinterpret_cast<const Item*>(from + f);
    });
}

// Items of 16, 8, 4, 2 or 1 bytes, as many as fit `bytes` and whatever it is aligned with.
template <class Body> void by_item(std::size_t bits, const Body& body) {
    if (bits % 16 == 0) body(uint4{});
    else if (bits % 8 == 0) body(std::uint64_t{});
    else if (bits % 4 == 0) body(std::uint32_t{});
    else if (bits % 2 == 0) body(std::uint16_t{});
    else body(std::uint8_t{});
}

// Rows that are not there are left out: the check before has found them.
template <class Item>
__global__ void gather_kernel(Item* to, const Item* from, const std::int64_t* rows, Size count, Size items, Size most) {
    for_each_element(count * items, [&](Size i) {
        const std::int64_t row = rows[i / items];
        if (row >= 0 && row < most) to[i] = from[row * items + i % items];
    });
}

constexpr Size check_block = 2048; // numbers that a block looks at

// The first i < n with is_bad(i) among the numbers of this block, or n.
template <class Test> __device__ Size first_bad(Size n, Test is_bad) {
    __shared__ Size room[32];
    const Size begin = Size(blockIdx.x) * check_block, end = begin + check_block < n ? begin + check_block : n;
    Size first = n;
    for (Size i = begin + threadIdx.x; i < end && first == n; i += blockDim.x)
        if (is_bad(i)) first = i;
    return over_block(first, [](Size a, Size b) { return a < b ? a : b; }, room, n);
}
__device__ void report(Finding* f, Finding::Kind kind, const char* kernel, const char* argument, double value,
                       Size position, Size limit, std::int64_t ignore_index) {
    if (threadIdx.x != 0) return;
    if (atomicCAS(const_cast<int*>(&f->kind), Finding::nothing, Finding::half_written) != Finding::nothing)
        return; // the first one stays
    f->kernel = kernel, f->argument = argument, f->value = value;
    f->position = position, f->limit = limit, f->ignore_index = ignore_index;
    __threadfence_system();
    f->kind = kind;
}

// Names are those of the processor, which reads them: a literal in a kernel would be the GPU's.
__global__ void rows_check(Finding* f, const char* kernel, const char* argument, const std::int64_t* index, Size n,
                           Size rows) {
    const Size i = first_bad(n, [&](Size k) { return index[k] < 0 || index[k] >= rows; });
    if (i < n) report(f, Finding::row, kernel, argument, double(index[i]), i, rows, 0);
}
__global__ void classes_check(Finding* f, const char* kernel, const char* argument, const std::int64_t* target, Size n,
                              Size classes, std::int64_t ignore_index) {
    const Size i =
        first_bad(n, [&](Size k) { return (target[k] < 0 || target[k] >= classes) && target[k] != ignore_index; });
    if (i < n) report(f, Finding::target, kernel, argument, double(target[i]), i, classes, ignore_index);
}
template <class T>
__global__ void probabilities_check(Finding* f, const char* kernel, const char* argument, const T* p, Size n) {
    const Size i = first_bad(n, [&](Size k) { return p[k] < 0 || p[k] > 1; });
    if (i < n) report(f, Finding::probability, kernel, argument, double(p[i]), i, 0, 0);
}

dim3 check_grid(Size n) { return dim3(blocks_for(n, check_block)); }

} // namespace

} // namespace cuda

void run_copy(const StridedCopy& c) {
    cuda::Layout l{int(c.shape.size()), {}, {}, {}};
    Size n = 1;
    for (std::size_t i = 0; i < c.shape.size(); ++i) {
        l.shape[i] = c.shape[i], l.to[i] = c.to_strides[i], l.from[i] = c.from_strides[i];
        n *= c.shape[i];
    }
    if (n == 0) return;
    const bool is_dense = l.axes == 0 || (l.axes == 1 && l.to[0] == c.item && l.from[0] == c.item);
    if (is_dense) {
        cuda::check(
            cudaMemcpyAsync(c.to, c.from, std::size_t(n * c.item), cudaMemcpyDeviceToDevice, cuda::call.stream));
        return;
    }
    cuda::by_item(std::size_t(c.item), [&]<class Item>(Item) {
        cuda::launch(cuda::copy_kernel<Item>, cuda::grid_for(n), cuda::block_threads, 0, c.to, c.from, n, l);
    });
}

void gather(char* to, const char* from, const std::int64_t* rows, Size count, std::size_t bytes, Size most) {
    cuda::by_item(
        bytes | reinterpret_cast<std::uintptr_t>(to) | reinterpret_cast<std::uintptr_t>(from), [&]<class Item>(Item) {
            const Size items = Size(bytes / sizeof(Item));
            cuda::launch(cuda::gather_kernel<Item>, cuda::grid_for(count * items), cuda::block_threads, 0,
                         reinterpret_cast<Item*>(to), reinterpret_cast<const Item*>(from), rows, count, items, most);
        });
}

void check_rows(const char* kernel, const std::int64_t* index, Size n, Size rows) {
    cuda::launch(cuda::rows_check, cuda::check_grid(n), 256, 0, cuda::findings_on_device(), kernel, "index", index, n,
                 rows);
}
void check_classes(const char* kernel, const std::int64_t* target, Size n, Size classes, std::int64_t ignore_index) {
    cuda::launch(cuda::classes_check, cuda::check_grid(n), 256, 0, cuda::findings_on_device(), kernel, "target", target,
                 n, classes, ignore_index);
}
template <class T> void check_probabilities(const char* kernel, const char* argument, const T* p, Size n) {
    cuda::launch(cuda::probabilities_check<T>, cuda::check_grid(n), 256, 0, cuda::findings_on_device(), kernel,
                 argument, p, n);
}
template void check_probabilities(const char*, const char*, const float*, Size);
template void check_probabilities(const char*, const char*, const double*, Size);

} // namespace fastgrad
