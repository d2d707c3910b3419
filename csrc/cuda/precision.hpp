// Products of the precision that a call asks for: on tensor cores unless it is the highest one, or float64; by the
// library where that is faster.
#pragma once

#include "library.hpp"
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
void own_product(Precision precision, Size m, Size n, Size k, View<T> a, View<T> b, Epilogue epilogue) {
    if constexpr (std::is_same_v<T, float>) {
        if (precision == Precision::high) return tensor_product(Tf32(), m, n, k, a, b, epilogue);
        if (precision == Precision::medium) return tensor_product(Bf16(), m, n, k, a, b, epilogue);
    }
    product(m, n, k, a, b, epilogue);
}

// What is left to be done with a product that lies in memory.
template <class Epilogue> void finish_product(Size m, Size n, const float* sums, Epilogue epilogue) {
    launch(join_parts<float, Epilogue>, grid_for(m * n / fragment + 1), block_threads, 0, m, n, sums, 1, epilogue);
}

template <class T, class Epilogue>
void product(Precision precision, Size m, Size n, Size k, View<T> a, View<T> b, Epilogue epilogue) {
    if constexpr (std::is_same_v<T, float>)
        if (uses_library(precision, m, n, k, a, b, Epilogue::is_plain)) {
            float* const sums = epilogue.place() ? epilogue.place() : scratch_of<float>(m * n);
            if (library_product(precision, m, n, k, a, b, sums)) {
                if constexpr (!Epilogue::is_plain) finish_product(m, n, sums, epilogue);
                return;
            }
        }
    own_product(precision, m, n, k, a, b, epilogue);
}

} // namespace fastgrad::cuda
