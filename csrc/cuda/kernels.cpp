// The table of a GPU's kernels.
#include "launch.hpp"

namespace fastgrad {
namespace cuda {

template <class T> void linear_forward(const LinearForward<T>&);
template <class T> void linear_backward(const LinearBackward<T>&);
template <class T> void linear_grad_input(const LinearGradInput<T>&);
template <class T> void linear_sgd(const LinearSgd<T>&);
template <class T> void linear_adam(const LinearAdam<T>&);
template <class T> void matmul(const Matmul<T>&);
template <class T> void activation_forward(T*, const T*, Size, const BoundActivation&);
template <class T> void activation_backward(T*, const T*, const T*, Size, const BoundActivation&);
template <class T> void prelu_forward(T*, const T*, const T*, Size, Size, Size, bool);
template <class T> void prelu_backward(T*, T*, const T*, const T*, const T*, Size, Size, Size, bool);
template <class T> void softmax_forward(T*, const T*, Size, Size, bool);
template <class T> void softmax_backward(T*, const T*, const T*, Size, Size, bool);
template <class T> void cross_entropy(const CrossEntropy<T>&);
template <class T> void pointwise_loss(const PointwiseLoss<T>&);
template <class T> void elementwise(const Elementwise<T>&);
template <class T> void dropout(T*, const T*, Size, double, const RandomCounter&);
template <class T> void embedding_backward(T*, const T*, const std::int64_t*, Size, Size, Size, std::int64_t);
template <class T> void sgd(const Sgd<T>*, Size, const SgdOptions&);
template <class T> void adam(const Adam<T>*, Size, const AdamOptions&);

} // namespace cuda

template <class T> const KernelTable<T>& kernels() {
    using namespace cuda;
    static constexpr KernelTable<T> table{linear_forward<T>,
                                          linear_backward<T>,
                                          linear_grad_input<T>,
                                          linear_sgd<T>,
                                          linear_adam<T>,
                                          matmul<T>,
                                          activation_forward<T>,
                                          activation_backward<T>,
                                          prelu_forward<T>,
                                          prelu_backward<T>,
                                          softmax_forward<T>,
                                          softmax_backward<T>,
                                          cross_entropy<T>,
                                          nullptr, // parts of a loss are for threads of a processor
                                          nullptr,
                                          pointwise_loss<T>,
                                          elementwise<T>,
                                          dropout<T>,
                                          embedding_backward<T>,
                                          sgd<T>,
                                          adam<T>,
                                          nullptr};
    return table;
}
template const KernelTable<float>& kernels();
template const KernelTable<double>& kernels();

} // namespace fastgrad
