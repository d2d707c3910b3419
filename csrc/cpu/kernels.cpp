// Compiled once per instruction set, with FASTGRAD_SET naming it and the compiler's flags choosing it.
#include "dispatch.hpp"
#include "dropout.hpp"
#include "elementwise_chain.hpp"
#include "embedding.hpp"
#include "linear.hpp"
#include "linear_update.hpp"
#include "peak.hpp"
#include "pointwise_loss.hpp"
#include "cross_entropy.hpp"
#include "prelu.hpp"
#include "update.hpp"

#define FASTGRAD_TEXT(x) #x
#define FASTGRAD_NAME(x) FASTGRAD_TEXT(x)

namespace fastgrad::FASTGRAD_SET {

template <class T> constexpr KernelTable<T> table() {
    return {linear_forward<T>,
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
            cross_entropy_rows<T>,
            cross_entropy_total<T>,
            pointwise_loss<T>,
            elementwise<T>,
            dropout<T>,
            embedding_backward<T>,
            sgd<T>,
            adam<T>,
            fma_peak<T>};
}

extern const InstructionSet instruction_set;
constexpr InstructionSet instruction_set{FASTGRAD_NAME(FASTGRAD_SET), table<float>(), table<double>()};

} // namespace fastgrad::FASTGRAD_SET
