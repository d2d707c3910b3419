// A chain of elementwise operations in one visit to memory: a thread takes an element through all of them.
//
// What is true or false is the number 1 or 0 on the way, and a byte in memory.
#include "grid.hpp"

namespace fastgrad::cuda {
namespace {

template <class T> __device__ T computed(ElementwiseOp op, T a, T b, T c) {
    switch (op) {
    case ElementwiseOp::add:
        return a + b;
    case ElementwiseOp::subtract:
        return a - b;
    case ElementwiseOp::multiply:
        return a * b;
    case ElementwiseOp::divide:
        return a / b;
    case ElementwiseOp::greater:
        return a > b;
    case ElementwiseOp::greater_equal:
        return a >= b;
    case ElementwiseOp::less:
        return a < b;
    case ElementwiseOp::less_equal:
        return a <= b;
    case ElementwiseOp::equal:
        return a == b;
    case ElementwiseOp::not_equal:
        return !(a == b);
    case ElementwiseOp::negative:
        return -a;
    case ElementwiseOp::absolute:
        return abs(Vec<T>(a)).v;
    case ElementwiseOp::square:
        return a * a;
    case ElementwiseOp::sqrt:
        return sqrt(Vec<T>(a)).v;
    case ElementwiseOp::reciprocal:
        return T(1) / a;
    case ElementwiseOp::where:
        return a == T(0) ? c : b;
    default:
        return a; // positive, and those that move a number between memory and registers
    }
}

// Registers are in memory (inputs and outputs), or in the block's shared memory: `slots` numbers for each thread.
template <class T> __global__ void chain_kernel(const Elementwise<T> e) {
    T* const slots = dynamic_shared<T>() + threadIdx.x;
    const int in_memory = e.inputs + e.outputs;
    for_each_element(e.rows * e.columns, [&](Size at) {
        const Size row = at / e.columns, column = at % e.columns;
        const auto place = [&](int r) { return e.memory[r].p + row * e.memory[r].row + column * e.memory[r].column; };
        const auto read = [&](int r) {
            return r < in_memory ? *reinterpret_cast<const T*>(place(r)) : slots[(r - in_memory) * int(blockDim.x)];
        };
        for (int k = 0; k < e.steps; ++k) {
            const auto s = e.step[k];
            if (s.op == ElementwiseOp::to_bool) {
                *place(s.to) = read(s.a) != T(0);
                continue;
            }
            T value;
            if (s.op == ElementwiseOp::from_bool || s.op == ElementwiseOp::fill_from_bool) value = T(*place(s.a));
            else
                value = computed(s.op, read(s.a),
                                 s.op <= ElementwiseOp::not_equal || s.op == ElementwiseOp::where ? read(s.b) : T(0),
                                 s.op == ElementwiseOp::where ? read(s.c) : T(0));
            if (s.to < in_memory) *reinterpret_cast<T*>(place(s.to)) = value;
            else slots[(s.to - in_memory) * int(blockDim.x)] = value;
        }
    });
}

} // namespace

template <class T> void elementwise(const Elementwise<T>& e) {
    constexpr int threads = 128;
    const std::size_t shared = std::size_t(e.slots) * threads * sizeof(T);
    const Size n = e.rows * e.columns;
    launch(chain_kernel<T>, grid_for(n), threads, shared, e);
}
template void elementwise(const Elementwise<float>&);
template void elementwise(const Elementwise<double>&);

} // namespace fastgrad::cuda
