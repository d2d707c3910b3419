// Products of the precision that a call asks for: on tensor cores unless it is the highest one, or float64.
#pragma once

#include "tensor_product.hpp"

namespace fastgrad::cuda {

template <class T, class Epilogue> void products(Precision precision, Size batch, Size m, Size n, Size k, View<T> a,
                                                 View<T> b, Size a_step, Size b_step, Epilogue epilogue) {
    if constexpr (std::is_same_v<T, float>) {
        if (precision == Precision::high)
            return tensor_products(Tf32(), batch, m, n, k, a, b, a_step, b_step, epilogue);
        if (precision == Precision::medium)
            return tensor_products(Bf16(), batch, m, n, k, a, b, a_step, b_step, epilogue);
    }
    products(batch, m, n, k, a, b, a_step, b_step, epilogue);
}
template <class T, class Epilogue>
void product(Precision precision, Size m, Size n, Size k, View<T> a, View<T> b, Epilogue epilogue) {
    if constexpr (std::is_same_v<T, float>) {
        if (precision == Precision::high) return tensor_product(Tf32(), m, n, k, a, b, epilogue);
        if (precision == Precision::medium) return tensor_product(Bf16(), m, n, k, a, b, epilogue);
    }
    product(m, n, k, a, b, epilogue);
}

} // namespace fastgrad::cuda
