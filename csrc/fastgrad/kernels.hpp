// What a device offers: one table of kernels per dtype. Plain data only; arrays are checked by the bindings.
//
// Contract: outputs first; a null output is not computed; matrices are row-major with unit column stride unless they
// are a View; nothing is written outside the outputs. A kernel may throw std::bad_alloc (scratch memory), nothing else.
// `each_pointer` shows every pointer of a struct to a program that moves memory (csrc/program/command.hpp); `options`
// is what a program may change between runs.
#pragma once

#include <cstddef>
#include <cstdint>

#include "activation_info.hpp"
#include "elementwise_ops.hpp"

namespace fastgrad {

using Size = std::ptrdiff_t;

template <class T> struct View { // element (i, j) is p[i * rows + j * columns]
    const T* p;
    Size rows, columns;
    [[gnu::always_inline]] View transposed() const { return {p, columns, rows}; }
};

// What a product on a GPU makes of float32 factors before it multiplies them; the sums are float32. A processor
// computes with float32 whatever this says.
enum class Precision : int { highest, high, medium }; // float32, TF32, bfloat16

// y (rows, columns) from x, row by row
template <class T> struct Rows {
    T* y;
    Size y_stride;
    const T* x;
    Size x_stride;
    Size rows, columns;
};

template <class T> struct LinearForward { // y = f(z), z = x wᵀ + b
    Size m, n, k;
    T *y, *z; // (m, n); z may be null
    View<T> x, w;
    const T* b; // (n,) or null
    BoundActivation activation;
    Precision precision = Precision::highest;
    template <class Visit> void each_pointer(const Visit& visit) {
        visit(&y), visit(&z), visit(&x.p), visit(&w.p), visit(&b);
    }
};

template <class T> struct LinearBackward {
    Size m, n, k;
    T* dx; // (m, k)
    T* dw; // (n, k), or (k, n) if dw_transposed
    bool dw_transposed;
    T* db;               // (n,)
    const T *dy, *saved; // (m, n); saved is y or z
    View<T> x, w;
    BoundActivation activation;
    Precision precision = Precision::highest;
    template <class Visit> void each_pointer(const Visit& visit) {
        visit(&dx), visit(&dw), visit(&db), visit(&dy), visit(&saved), visit(&x.p), visit(&w.p);
    }
};

template <class T> struct Matmul { // y (m, n) = a (m, k) b (k, n), `batch` times
    Size batch, m, n, k;
    T* y;
    View<T> a, b;
    Size a_step, b_step; // from one matrix of the batch to the next
    Precision precision = Precision::highest;
    template <class Visit> void each_pointer(const Visit& visit) { visit(&y), visit(&a.p), visit(&b.p); }
};

struct RandomCounter { // where a stream of random numbers goes on
    std::uint64_t seed, offset;
};

enum class Reduction { none, mean, sum };

template <class T> struct CrossEntropy { // dx may be x with indices and no label smoothing
    Size n, c;
    T *loss, *dx;
    const T* x;
    const std::int64_t* index; // (n,), or null:
    const T* probability;      // (n, c)
    const T* weight;           // (c,) or null
    std::int64_t ignore_index;
    double label_smoothing;
    Reduction reduction;
    bool log_probabilities; // x is log-probabilities already (nll_loss)
    double* each;           // room for the losses of all rows; only cross_entropy_rows and _total need it
    template <class Visit> void each_pointer(const Visit& visit) {
        visit(&loss), visit(&dx), visit(&x), visit(&index), visit(&probability), visit(&weight);
    }
};

enum class PointwiseLossKind { mse, l1, smooth_l1, huber, bce, bce_with_logits };

template <class T> struct PointwiseLoss {
    Size n;
    T *loss, *dx;
    const T *x, *target, *weight, *pos_weight; // the last two may be null
    PointwiseLossKind kind;
    double parameter;
    Reduction reduction;
    template <class Visit> void each_pointer(const Visit& visit) {
        visit(&loss), visit(&dx), visit(&x), visit(&target), visit(&weight), visit(&pos_weight);
    }
};

template <class T> struct Sgd {
    T *p, *momentum_buffer; // the buffer is null without momentum
    const T* grad;
    Size n;
    bool first; // the buffer holds nothing yet
};
struct SgdOptions {
    double lr, momentum, dampening, weight_decay, l1;
    bool nesterov, maximize;
};

template <class T> struct Adam {
    T *p, *exp_avg, *exp_avg_sq, *max_exp_avg_sq; // the last is null without amsgrad
    const T* grad;
    Size n;
    std::int64_t step;
};
struct AdamOptions {
    double lr, beta1, beta2, eps, weight_decay, l1;
    bool decoupled, maximize;
    std::int64_t later; // added to the step of every parameter
};

// What the gradients of linear are used for at once, in a program. z is the pre-activation of the layer itself, dz (m,
// n) its gradient; as in LinearBackward x is (m, k) and w (n, k).
template <class T> struct LinearGradInput { // dx (m, k) = dz w times f'(saved), f the activation that made x
    Size m, n, k;
    T* dx;
    const T *dz, *saved; // saved (m, k) is what f' reads, or null
    View<T> w;
    BoundActivation activation;
    Precision precision = Precision::highest;
    template <class Visit> void each_pointer(const Visit& visit) { visit(&dx), visit(&dz), visit(&saved), visit(&w.p); }
};

template <class T> struct LinearSgd { // one step of SGD with dw = dzᵀ x and db = the sum of dz; neither is stored
    Size m, n, k;
    bool transposed; // w and its state lie in memory as (k, n)
    const T* dz;
    View<T> x;
    Sgd<T> w, b; // without `grad`; b.p is null where there is no bias
    SgdOptions options;
    Precision precision = Precision::highest;
    template <class Visit> void each_pointer(const Visit& visit) { visit(&dz), visit(&x.p); }
};

template <class T> struct LinearAdam {
    Size m, n, k;
    bool transposed;
    const T* dz;
    View<T> x;
    Adam<T> w, b;
    AdamOptions options;
    Precision precision = Precision::highest;
    template <class Visit> void each_pointer(const Visit& visit) { visit(&dz), visit(&x.p); }
};

template <class T> struct KernelTable {
    void (*linear_forward)(const LinearForward<T>&);
    void (*linear_backward)(const LinearBackward<T>&);
    void (*linear_grad_input)(const LinearGradInput<T>&);
    void (*linear_sgd)(const LinearSgd<T>&);
    void (*linear_adam)(const LinearAdam<T>&);
    void (*matmul)(const Matmul<T>&);
    void (*activation_forward)(T* y, const T* x, Size n, const BoundActivation&);
    void (*activation_backward)(T* dx, const T* dy, const T* saved, Size n, const BoundActivation&);
    void (*prelu_forward)(T* y, const T* x, const T* a, Size outer, Size channels, Size inner, bool shared);
    void (*prelu_backward)(T* dx, T* da, const T* dy, const T* x, const T* a, Size outer, Size channels, Size inner,
                           bool shared);
    void (*softmax_forward)(T* y, const T* x, Size rows, Size columns, bool logarithm);
    void (*softmax_backward)(T* dx, const T* dy, const T* y, Size rows, Size columns, bool logarithm);
    void (*cross_entropy)(const CrossEntropy<T>&);
    void (*cross_entropy_rows)(const CrossEntropy<T>&, Size begin, Size end);
    void (*cross_entropy_total)(const CrossEntropy<T>&);
    void (*pointwise_loss)(const PointwiseLoss<T>&);
    void (*elementwise)(const Elementwise<T>&);
    void (*dropout)(T* y, const T* x, Size n, double p, const RandomCounter&);
    void (*embedding_backward)(T* dw, const T* dy, const std::int64_t* index, Size n, Size rows, Size columns,
                               std::int64_t padding_idx);
    void (*sgd)(const Sgd<T>* parameters, Size count, const SgdOptions&);
    void (*adam)(const Adam<T>* parameters, Size count, const AdamOptions&);
    double (*fma_peak)(double seconds); // FLOP/s of one thread
};

template <class T> const KernelTable<T>& kernels(); // of the device, and of the instruction set in use

} // namespace fastgrad
