// The linear layer, forward and backward, and products of matrices.
#include "column_sums.hpp"
#include "epilogues.hpp"

namespace fastgrad::cuda {
namespace {

template <class T> __global__ void derivative_kernel(T* dz, const T* dy, const T* saved, Size n, BoundActivation f) {
    for_each_element(n, [&](Size i) { dz[i] = backward_by_index(dy[i], saved[i], f); });
}

} // namespace

template <class T> void linear_forward(const LinearForward<T>& l) {
    product(Size(1), l.m, l.n, l.k, l.x, l.w.transposed(), 0, 0, StoreActivated<T>{l.y, l.z, l.b, l.n, l.activation});
}

template <class T> void linear_backward(const LinearBackward<T>& l) {
    const T* dz = l.dy;
    if (l.activation.reads != Reads::nothing) {
        reserve(std::size_t(l.m * l.n) * sizeof(T) + 256 + room_for_column_sums<T>(l.m, l.n));
        T* made = scratch_of<T>(l.m * l.n);
        launch(derivative_kernel<T>, grid_for(l.m * l.n), block_threads, 0, made, l.dy, l.saved, l.m * l.n,
               l.activation);
        dz = made;
    } else {
        reserve(room_for_column_sums<T>(l.m, l.n));
    }
    const View<T> rows{dz, l.n, 1};
    if (l.db) column_sums(dz, l.m, l.n, StoreSum<T>{l.db});
    if (l.dw && l.dw_transposed) // as (k, n) in memory: xᵀ dz
        product(Size(1), l.k, l.n, l.m, l.x.transposed(), rows, 0, 0, Store<T>{l.dw, l.k, l.n});
    else if (l.dw) product(Size(1), l.n, l.k, l.m, rows.transposed(), l.x, 0, 0, Store<T>{l.dw, l.n, l.k});
    if (l.dx) product(Size(1), l.m, l.k, l.n, rows, l.w, 0, 0, Store<T>{l.dx, l.m, l.k});
}

template <class T> void linear_grad_input(const LinearGradInput<T>& l) {
    product(Size(1), l.m, l.k, l.n, View<T>{l.dz, l.n, 1}, l.w, 0, 0,
            StoreDerived<T>{l.dx, l.saved, l.k, l.activation});
}

template <class T> void matmul(const Matmul<T>& p) {
    product(p.batch, p.m, p.n, p.k, p.a, p.b, p.a_step, p.b_step, Store<T>{p.y, p.m, p.n});
}

#define FASTGRAD_INSTANTIATE(T)                                                                                        \
    template void linear_forward(const LinearForward<T>&);                                                             \
    template void linear_backward(const LinearBackward<T>&);                                                           \
    template void linear_grad_input(const LinearGradInput<T>&);                                                        \
    template void matmul(const Matmul<T>&);
FASTGRAD_INSTANTIATE(float)
FASTGRAD_INSTANTIATE(double)

} // namespace fastgrad::cuda
