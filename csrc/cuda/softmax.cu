// softmax and log-softmax over rows: y = exp(x - max) / sum, or y = x - max - log(sum).
#include "rows.hpp"

namespace fastgrad::cuda {
namespace {

template <int threads, class T>
__global__ void forward_kernel(T* y, const T* x, Size rows, Size columns, bool logarithm) {
    const RowTeam<threads> team;
    const Size i = team.first_row();
    if (i >= rows) return; // the whole team
    x += i * columns, y += i * columns;
    const T max = team.largest(x, columns);
    const T total = team.template sum<T>(columns, [&](Size j) { return exp(Vec<T>(x[j] - max)).v; });
    const Vec<T> log_total = logarithm ? log(Vec<T>(total)) : Vec<T>(T(0)), scale = T(1) / total;
    team.each(columns, [&](Size j) {
        y[j] = logarithm ? (Vec<T>(x[j]) - Vec<T>(max) - log_total).v : (exp(Vec<T>(x[j] - max)) * scale).v;
    });
}

template <int threads, class T>
__global__ void backward_kernel(T* dx, const T* dy, const T* y, Size rows, Size columns, bool logarithm) {
    const RowTeam<threads> team;
    const Size i = team.first_row();
    if (i >= rows) return;
    dx += i * columns, dy += i * columns, y += i * columns;
    const T total = team.template sum<T>(columns, [&](Size j) { return logarithm ? dy[j] : dy[j] * y[j]; });
    team.each(columns, [&](Size j) {
        dx[j] = logarithm ? (Vec<T>(dy[j]) - exp(Vec<T>(y[j])) * Vec<T>(total)).v : y[j] * (dy[j] - total);
    });
}

} // namespace

template <class T> void softmax_forward(T* y, const T* x, Size rows, Size columns, bool logarithm) {
    launch_rows(forward_kernel<32, T>, forward_kernel<row_block, T>, rows, columns, y, x, rows, columns, logarithm);
}
template <class T> void softmax_backward(T* dx, const T* dy, const T* y, Size rows, Size columns, bool logarithm) {
    launch_rows(backward_kernel<32, T>, backward_kernel<row_block, T>, rows, columns, dx, dy, y, rows, columns,
                logarithm);
}

#define FASTGRAD_INSTANTIATE(T)                                                                                        \
    template void softmax_forward(T*, const T*, Size, Size, bool);                                                     \
    template void softmax_backward(T*, const T*, const T*, Size, Size, bool);
FASTGRAD_INSTANTIATE(float)
FASTGRAD_INSTANTIATE(double)

} // namespace fastgrad::cuda
