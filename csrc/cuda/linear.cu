// The linear layer, forward and backward, and products of matrices.
#include "column_sums.hpp"
#include "epilogues.hpp"
#include "precision.hpp"

namespace fastgrad::cuda {
namespace {

template <class T> __global__ void derivative_kernel(T* dz, const T* dy, const T* saved, Size n, BoundActivation f) {
    for_each_element(n, [&](Size i) { dz[i] = backward_by_index(dy[i], saved[i], f); });
}

} // namespace

template <class T> void linear_forward(const LinearForward<T>& l) {
    reserve(room_for_product<T>(l.m, l.n, l.k));
    product(l.precision, l.m, l.n, l.k, l.x, l.w.transposed(), StoreActivated<T>{l.y, l.z, l.b, l.n, l.activation});
}

template <class T> void linear_backward(const LinearBackward<T>& l) {
    const T* dz = l.dy;
    const std::size_t room = room_for_column_sums<T>(l.m, l.n) + room_for_product<T>(l.n, l.k, l.m) +
                             room_for_product<T>(l.m, l.k, l.n); // dw of either order
    if (l.activation.reads != Reads::nothing) {
        reserve(std::size_t(l.m * l.n) * sizeof(T) + 256 + room);
        T* made = scratch_of<T>(l.m * l.n);
        launch(derivative_kernel<T>, grid_for(l.m * l.n), block_threads, 0, made, l.dy, l.saved, l.m * l.n,
               l.activation);
        dz = made;
    } else {
        reserve(room);
    }
    const View<T> rows{dz, l.n, 1};
    if (l.db) column_sums(dz, l.m, l.n, StoreSum<T>{l.db});
    if (l.dw && l.dw_transposed) // as (k, n) in memory: xᵀ dz
        product(l.precision, l.k, l.n, l.m, l.x.transposed(), rows, Store<T>{l.dw, l.k, l.n});
    else if (l.dw) product(l.precision, l.n, l.k, l.m, rows.transposed(), l.x, Store<T>{l.dw, l.n, l.k});
    if (l.dx) product(l.precision, l.m, l.k, l.n, rows, l.w, Store<T>{l.dx, l.m, l.k});
}

template <class T> void linear_grad_input(const LinearGradInput<T>& l) {
    reserve(room_for_product<T>(l.m, l.k, l.n));
    product(l.precision, l.m, l.k, l.n, View<T>{l.dz, l.n, 1}, l.w, StoreDerived<T>{l.dx, l.saved, l.k, l.activation});
}

template <class T> void matmul(const Matmul<T>& p) {
    if (p.batch == 1) {
        reserve(room_for_product<T>(p.m, p.n, p.k));
        return product(p.precision, p.m, p.n, p.k, p.a, p.b, Store<T>{p.y, p.m, p.n});
    }
    products(p.precision, p.batch, p.m, p.n, p.k, p.a, p.b, p.a_step, p.b_step, Store<T>{p.y, p.m, p.n});
}

#define FASTGRAD_INSTANTIATE(T)                                                                                        \
    template void linear_forward(const LinearForward<T>&);                                                             \
    template void linear_backward(const LinearBackward<T>&);                                                           \
    template void linear_grad_input(const LinearGradInput<T>&);                                                        \
    template void matmul(const Matmul<T>&);
FASTGRAD_INSTANTIATE(float)
FASTGRAD_INSTANTIATE(double)

} // namespace fastgrad::cuda
