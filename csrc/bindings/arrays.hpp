// The checks of arrays: type, dtype, shape, layout, writability, overlap. Kernels trust what comes out. (Lists of
// arrays are checked in updates.cpp, rows of any dtype in rows.cpp, with the pieces from here.)
#pragma once

#include <array>
#include <vector>

#ifdef FASTGRAD_ON_CUDA
#include "array_cupy.hpp"
#else
#include "array_numpy.hpp"
#endif
#include "fastcall.hpp"

namespace fastgrad {

inline std::vector<Size> shape_of(const Array& a) { return {a.shape(), a.shape() + a.ndim()}; }

using Shape = std::initializer_list<Size>;

inline bool same_shape(const Array& a, Shape shape) {
    if (a.ndim() != Size(shape.size())) return false;
    Size axis = 0;
    for (const Size n : shape)
        if (a.shape(axis++) != n) return false;
    return true;
}

// The bytes an array spans.
struct Extent {
    const char *begin, *end, *argument;
    bool output;

    static Extent of(const Array& a, const char* argument, bool output) {
        const char* p = static_cast<const char*>(a.data());
        Extent e{p, p + a.itemsize(), argument, output};
        for (Size i = 0; i < a.ndim(); ++i) {
            if (a.shape(i) == 0) return {p, p, argument, output};
            const Size reach = (a.shape(i) - 1) * a.strides(i);
            (reach > 0 ? e.end : e.begin) += reach;
        }
        return e;
    }
};

// Whether kernels become commands of a program; if so, it keeps the objects that they refer to.
inline bool is_kept_by_program(const py::object& object) {
    if (!Program::building) return false;
    Program::building->keep(object);
    return true;
}

// to[...] = from, of one shape and dtype, in whatever layouts (copies.cpp)
void launch_copy(const Array& to, const Array& from);

// Checks the arguments of one call of one kernel, all of dtype T, and turns them into pointers and views. Inputs of a
// layout that the kernel cannot read are copied; the copies live as long as this object.
template <class T> class Arguments {
  public:
    explicit Arguments(const char* kernel) : kernel_(kernel) { begin_call(kernel); }
    const char* kernel() const { return kernel_; }

    // A two-dimensional input of any strides.
    View<T> matrix(const char* argument, py::handle object, Size rows, Size columns) {
        const Array& a = readable(argument, object, {rows, columns});
        return {static_cast<const T*>(a.data()), a.strides(0) / Size(sizeof(T)), a.strides(1) / Size(sizeof(T))};
    }

    // An input as contiguous memory.
    const T* input(const char* argument, py::handle object, Shape shape) {
        return contiguous(typed(argument, object, shape), argument);
    }
    const T* input_or_null(const char* argument, py::handle object, Shape shape) {
        return object.is_none() ? nullptr : input(argument, object, shape);
    }
    const T* input_like(const char* argument, py::handle object, const Array& other) {
        const Array& a = typed(argument, object);
        if (shape_of(a) != shape_of(other))
            bad_value(kernel_, argument, shape_text(shape_of(a)), text(shape_of(other)));
        return contiguous(a, argument);
    }

    T* output(const char* argument, py::handle object, Shape shape) {
        const Array& a = typed(argument, object, shape);
        return writable(a, argument);
    }
    T* output_or_null(const char* argument, py::handle object, Shape shape) {
        return object.is_none() ? nullptr : output(argument, object, shape);
    }
    T* output_like(const char* argument, py::handle object, const Array& other) {
        const Array& a = typed(argument, object);
        if (shape_of(a) != shape_of(other))
            bad_value(kernel_, argument, shape_text(shape_of(a)), text(shape_of(other)));
        return writable(a, argument);
    }
    // An output of shape (rows, columns) in C or in Fortran order.
    T* output_any_order(const char* argument, py::handle object, Size rows, Size columns, bool& transposed) {
        const Array& a = typed(argument, object, {rows, columns});
        transposed = !is_c_contiguous(a);
        if (transposed && !is_f_contiguous(a))
            bad_value(kernel_, argument, "a strided view", "a C- or Fortran-contiguous array");
        return writable(a, argument, true);
    }

    // int64 numbers (n,) as contiguous memory; what they may be is for the caller to check.
    const std::int64_t* index(const char* argument, py::handle object, Size n) {
        const Array& a = as_array(kernel_, argument, object);
        if (!has_dtype<std::int64_t>(a)) bad_type(kernel_, argument, dtype_name(a), "dtype int64");
        if (!same_shape(a, {n})) bad_value(kernel_, argument, shape_text(shape_of(a)), text(Shape{n}));
        add(a, argument, false);
        return static_cast<const std::int64_t*>((is_c_contiguous(a) && is_aligned(a) ? a : copy(a)).data());
    }

    ArrayRef typed(const char* argument, const py::handle& object) {
        const Array& a = as_array(kernel_, argument, object);
        if (!has_dtype<T>(a))
            bad_type(kernel_, argument, dtype_name(a), sizeof(T) == 4 ? "dtype float32" : "dtype float64");
        return a;
    }
    ArrayRef typed(const char* argument, const py::handle& object, Shape shape) {
        const Array& a = typed(argument, object);
        if (!same_shape(a, shape)) bad_value(kernel_, argument, shape_text(shape_of(a)), text(shape));
        return a;
    }

    // Takes part in check_overlap; the functions above call it.
    void add(const Array& a, const char* argument, bool output) {
        extents_.at(count_++) = Extent::of(a, argument, output);
    }

    // After all arguments: no output may share memory with another argument, unless the two are the same array and
    // `in_place` allows it.
    void check_overlap(bool in_place = false) const {
        for (std::size_t i = 0; i < count_; ++i)
            for (std::size_t j = 0; j < count_; ++j) {
                const Extent &x = extents_[i], &y = extents_[j];
                if (i == j || !x.output || x.begin >= y.end || y.begin >= x.end) continue;
                if (in_place && x.begin == y.begin && x.end == y.end && !y.output) continue;
                bad_value(kernel_, x.argument, std::string("memory that overlaps '") + y.argument + "'",
                          "memory of its own");
            }
    }

  private:
    template <class Sizes> static std::string text(const Sizes& shape) { return shape_text(shape).substr(3); }

    T* writable(const Array& a, const char* argument, bool any_order = false) {
        if (!a.writeable()) bad_value(kernel_, argument, "read-only", "a writable array");
        if (!any_order && !is_c_contiguous(a)) bad_value(kernel_, argument, "not C-contiguous", "a C-contiguous array");
        if (!is_aligned(a)) bad_value(kernel_, argument, "not aligned", "an aligned array");
        add(a, argument, true);
        return const_cast<T*>(static_cast<const T*>(a.data()));
    }

    ArrayRef readable(const char* argument, const py::handle& object, Shape shape) {
        const Array& a = typed(argument, object, shape);
        add(a, argument, false);
        return is_aligned(a) ? a : copy(a);
    }

    const T* contiguous(const Array& a, const char* argument) {
        add(a, argument, false);
        return static_cast<const T*>((is_c_contiguous(a) && is_aligned(a) ? a : copy(a)).data());
    }

    // A contiguous copy. A program makes it anew in every run: it keeps the memory, and copies before the kernel.
    ArrayRef copy(const Array& a) {
        copies_.push_back(new_array(a, a.ndim(), a.shape()));
        const Array& to = as_array(kernel_, "copy", copies_.back());
        launch_copy(to, a);
        is_kept_by_program(copies_.back());
        return to;
    }

    const char* kernel_;
    std::array<Extent, 12> extents_;
    std::size_t count_ = 0;
    std::vector<py::object> copies_;
};

// Calls body(T{}) with T the dtype of `object`, which decides for all arrays of a call.
template <class Body> void by_dtype(const char* kernel, const char* argument, const py::handle& object, Body body) {
    const Array& a = as_array(kernel, argument, object);
    if (has_dtype<float>(a)) body(float{});
    else if (has_dtype<double>(a)) body(double{});
    else bad_type(kernel, argument, dtype_name(a), "dtype float32 or float64");
}

inline ArrayRef two_dimensional(const char* kernel, const char* argument, const py::handle& object) {
    const Array& a = as_array(kernel, argument, object);
    if (a.ndim() != 2) bad_value(kernel, argument, shape_text(shape_of(a)), "an array of two dimensions");
    return a;
}

inline Reduction parse_reduction(const char* kernel, const std::string& name) {
    if (name == "mean") return Reduction::mean;
    if (name == "sum") return Reduction::sum;
    if (name == "none") return Reduction::none;
    bad_value(kernel, "reduction", "'" + name + "'", "'none', 'mean' or 'sum'");
}

} // namespace fastgrad
