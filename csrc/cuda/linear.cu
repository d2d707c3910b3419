// The linear layer, forward and backward, and products of matrices.
#include "column_sums.hpp"
#include "epilogues.hpp"
#include "product.hpp"

namespace fastgrad::cuda {

template <class T> void activation_backward(T* dx, const T* dy, const T* saved, Size n, const BoundActivation& f);

template <class T> void linear_forward(const LinearForward<T>& l) {
    const Product<T> z({1, l.m, l.n, l.k, l.y, l.x, l.w.transposed(), 0, 0, l.precision});
    reserve(z.room());
    z.run(StoreActivated<T>{l.y, l.z, l.b, l.n, l.activation});
}

template <class T> void linear_backward(const LinearBackward<T>& l) {
    // What nobody asks for has no rows.
    const auto dw_of = [&](View<T> dz) -> Matmul<T> {
        if (l.dw_transposed) // as (k, n) in memory: xᵀ dz
            return {1, l.dw ? l.k : 0, l.n, l.m, l.dw, l.x.transposed(), dz, 0, 0, l.precision};
        return {1, l.dw ? l.n : 0, l.k, l.m, l.dw, dz.transposed(), l.x, 0, 0, l.precision};
    };
    const auto dx_of = [&](View<T> dz) -> Matmul<T> {
        return {1, l.dx ? l.m : 0, l.k, l.n, l.dx, dz, l.w, 0, 0, l.precision};
    };
    View<T> dz{l.dy, l.n, 1};
    const Product<T> dw(dw_of(dz)), dx(dx_of(dz));
    const bool is_derived = l.activation.reads != Reads::nothing;
    const std::size_t room_for_dz = is_derived ? std::size_t(l.m * l.n) * sizeof(T) + 256 : 0;
    reserve(room_for_dz + room_for_column_sums<T>(l.m, l.n) + dw.room() + dx.room());
    if (is_derived) {
        T* made = scratch_of<T>(l.m * l.n);
        activation_backward(made, l.dy, l.saved, l.m * l.n, l.activation);
        dz.p = made;
    }
    if (l.db) column_sums(dz.p, l.m, l.n, StoreSum<T>{l.db});
    dw.of(dw_of(dz)).run(l.dw_transposed ? Store<T>{l.dw, l.k, l.n} : Store<T>{l.dw, l.n, l.k});
    dx.of(dx_of(dz)).run(Store<T>{l.dx, l.m, l.k});
}

template <class T> void linear_grad_input(const LinearGradInput<T>& l) {
    const Product<T> dx({1, l.m, l.k, l.n, l.dx, {l.dz, l.n, 1}, l.w, 0, 0, l.precision});
    reserve(dx.room());
    dx.run(StoreDerived<T>{l.dx, l.saved, l.k, l.activation});
}

template <class T> void matmul(const Matmul<T>& all) {
    constexpr Size most = 65535; // of a launch
    for (Size begin = 0; begin < all.batch; begin += most) {
        Matmul<T> p = all;
        p.batch = all.batch - begin < most ? all.batch - begin : most;
        p.y += begin * p.m * p.n, p.a.p += begin * p.a_step, p.b.p += begin * p.b_step;
        const Product<T> y(p);
        reserve(y.room());
        y.run(Store<T>{p.y, p.m, p.n});
    }
}

#define FASTGRAD_INSTANTIATE(T)                                                                                        \
    template void linear_forward(const LinearForward<T>&);                                                             \
    template void linear_backward(const LinearBackward<T>&);                                                           \
    template void linear_grad_input(const LinearGradInput<T>&);                                                        \
    template void matmul(const Matmul<T>&);
FASTGRAD_INSTANTIATE(float)
FASTGRAD_INSTANTIATE(double)

} // namespace fastgrad::cuda
