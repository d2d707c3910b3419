// A product in the precision that a call asks for: on tensor cores unless that is the highest one, or float64; by the
// library where that is faster.
#pragma once

#include "choice.hpp"
#include "tensor_product.hpp"

namespace fastgrad::cuda {

template <class T> class Product {
  public:
    // p.y is where elements may lie as they are until the epilogue has them; null if there is no such place.
    Product(const Matmul<T>& p, bool by_library) : p_(p), by_library_(by_library) {
        if (p_.batch == 1) p_.a_step = p_.b_step = 0; // parts are counted where a batch is
    }
    explicit Product(const Matmul<T>& p) : Product(p, is_for_library(p)) {}

    // One of the same kind, made in the same way.
    Product of(const Matmul<T>& p) const { return {p, by_library_}; }

    // Scratch memory that run takes.
    std::size_t room() const {
        const std::size_t elements = std::size_t(p_.m * p_.n) * sizeof(T) + 256;
        if constexpr (is_float)
            if (by_library_) return room_for_library(p_) + (p_.y ? 0 : elements);
        const Size part = part_of_sum();
        return part < p_.k ? blocks_for(p_.k, part) * elements : 0;
    }

    template <class Epilogue> void run(Epilogue epilogue) const {
        if constexpr (is_float)
            if (by_library_) return run_library(epilogue);
        const Size part = part_of_sum();
        if (part == p_.k) return for_precision([&](auto... kind) { make_all(kind..., epilogue); });
        const unsigned count = blocks_for(p_.k, part);
        T* const sums = scratch_of<T>(Size(count) * p_.m * p_.n);
        for_precision([&](auto... kind) { make_parts(kind..., part, count, sums); });
        join(p_.m, p_.n, sums, count, epilogue);
    }

  private:
    static constexpr bool is_float = std::is_same_v<T, float>;

    static bool is_for_library(const Matmul<T>& p) {
        if constexpr (is_float) return uses_library(p);
        else return false;
    }
    Size part_of_sum() const { return p_.batch == 1 && p_.m && p_.n ? part_of_k(p_.m, p_.n, p_.k) : p_.k; }

    template <class Run> void for_precision(const Run& run) const {
        if constexpr (is_float) {
            if (p_.precision == Precision::high) return run(Tf32());
            if (p_.precision == Precision::medium) return run(Bf16());
        }
        run();
    }
    template <class Epilogue> void make_all(Epilogue epilogue) const { products(p_, epilogue); }
    template <class Kind, class Epilogue> void make_all(Kind kind, Epilogue epilogue) const {
        tensor_products(kind, p_, epilogue);
    }
    void make_parts(Size part, unsigned count, T* sums) const { parts_of_product(p_, part, count, sums); }
    template <class Kind> void make_parts(Kind kind, Size part, unsigned count, T* sums) const {
        parts_of_tensor_product(kind, p_, part, count, sums);
    }

    template <class Epilogue> void run_library(Epilogue epilogue) const {
        Matmul<T> p = p_;
        if (!p.y) p.y = scratch_of<T>(p.m * p.n);
        library_product(p);
        if constexpr (!Epilogue::is_plain) join(p.m, p.n, p.y, 1, epilogue);
    }

    Matmul<T> p_;
    bool by_library_;
};

} // namespace fastgrad::cuda
