// Arrays on a GPU: cupy's. What the bindings need of an array, and how they start a kernel; array_numpy.hpp is the same
// for the processor.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../cuda/launch.hpp"
#include "../program/program.hpp"
#include "errors.hpp"

namespace fastgrad {

// What is asked of cupy and numpy, looked up once.
struct Cupy {
    py::handle array_class, float32, float64, int64, copy_order_c, copy_order_f;
    PyObject *data, *ptr, *device_id, *shape, *strides, *dtype;
};
const Cupy& cupy();

// An array's memory and layout, read once.
class Array {
  public:
    static constexpr Size most_axes = 32;

    explicit Array(py::handle object);

    py::handle object() const { return object_; }
    const void* data() const { return data_; }
    Size ndim() const { return axes_; }
    const Size* shape() const { return shape_.data(); }
    Size shape(Size i) const { return shape_[std::size_t(i)]; }
    const Size* strides() const { return strides_.data(); }
    Size strides(Size i) const { return strides_[std::size_t(i)]; } // in bytes
    Size itemsize() const { return itemsize_; }
    Size size() const {
        Size n = 1;
        for (Size i = 0; i < axes_; ++i) n *= shape(i);
        return n;
    }
    Size nbytes() const { return size() * itemsize_; }
    bool writeable() const { return true; }
    py::handle dtype_object() const { return dtype_; }
    py::dtype dtype() const { return py::reinterpret_borrow<py::dtype>(dtype_); }
    bool is_contiguous(bool fortran) const;

  private:
    py::handle object_, dtype_; // held by the caller, and by the object
    const void* data_;
    Size axes_, itemsize_;
    std::array<Size, most_axes> shape_, strides_;
};
using ArrayRef = Array;

inline bool is_array(py::handle object) { return Py_TYPE(object.ptr()) == (PyTypeObject*)cupy().array_class.ptr(); }

template <class T> bool has_dtype(const Array& a) {
    const Cupy& c = cupy();
    const py::handle wanted = std::is_same_v<T, float> ? c.float32 : std::is_same_v<T, double> ? c.float64 : c.int64;
    return a.dtype_object().ptr() == wanted.ptr() || a.dtype().equal(wanted);
}

// Where there are several GPUs: whether an array is in the memory of the current one.
bool is_here(const Array& a);
[[noreturn]] void bad_device(const char* kernel, const char* argument, const Array& a);

// The array that an object is.
inline Array as_array(const char* kernel, const char* argument, const py::handle& object) {
    if (!is_array(object)) bad_type(kernel, argument, "a " + type_name(object), "a cupy array, like the others");
    const Array a(object);
    if (!is_here(a)) bad_device(kernel, argument, a);
    return a;
}

// The array that an object is known to be.
inline Array array_of(py::handle object) { return Array(object); }
inline bool has_dtype(const Array& a, const py::dtype& dtype) {
    return a.dtype_object().ptr() == dtype.ptr() || a.dtype().equal(dtype);
}

inline bool is_aligned(const Array& a) {
    std::uintptr_t bits = reinterpret_cast<std::uintptr_t>(a.data());
    for (Size i = 0; i < a.ndim(); ++i)
        if (a.shape(i) > 1) bits |= std::uintptr_t(a.strides(i));
    return bits % std::uintptr_t(a.itemsize()) == 0;
}
inline bool is_c_contiguous(const Array& a) { return a.is_contiguous(false); }
inline bool is_f_contiguous(const Array& a) { return a.is_contiguous(true); }

// A new array of the dtype of `like`, in C order or in Fortran order, of any content.
py::object new_array(const Array& like, Size axes, const Size* shape, bool fortran = false);
// An array of any content with the dtype, shape and order of `like`.
py::object empty_like(const Array& like);

// A new C-contiguous array of any content.
py::object empty_array(const py::dtype& dtype, const std::vector<Py_ssize_t>& shape);
// An array in the memory of another one, from byte `offset` on.
py::object view_of(py::handle memory, const py::dtype& dtype, const std::vector<Py_ssize_t>& shape,
                   const std::vector<Py_ssize_t>& strides, Py_ssize_t offset);

// What a call needs before its kernels; `kernel` is its name.
void begin_call(const char* kernel);

// A command's kernel, which errors are to name.
template <class Kernel> struct Named {
    Kernel kernel;
    const char* name;
    template <class... A> void operator()(const A&... arguments) const {
        cuda::call.kernel = name;
        kernel(arguments...);
    }
};

// Starts a kernel on the current stream, or makes it a command of the program that is being built.
template <class Kernel, class... A> void launch(double nanoseconds, Kernel kernel, A... arguments) {
    if (Program::building) {
        using Made = KernelCommand<Named<Kernel>, A...>;
        const Named<Kernel> named{kernel, cuda::call.kernel};
        Program::building->add(std::make_unique<Made>(nanoseconds, named, std::move(arguments)...));
    } else kernel(arguments...);
}
template <class T> void launch_cross_entropy(double nanoseconds, const CrossEntropy<T>& l) {
    launch(nanoseconds, kernels<T>().cross_entropy, l);
}

} // namespace fastgrad
