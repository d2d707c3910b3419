// Arrays on the processor: numpy's. What the bindings need of an array, and how they start a kernel; array_cupy.hpp is
// the same for a GPU.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "../fastgrad/kernels.hpp"
#include "../program/program.hpp"
#include "errors.hpp"

namespace fastgrad {

using Array = py::array;
using ArrayRef = const Array&; // what a function gives that looks an array up

inline bool is_array(py::handle object) { return py::isinstance<py::array>(object); }

template <class T> bool has_dtype(const Array& a) {
    constexpr int number = py::detail::npy_format_descriptor<T>::value;
    const auto* type = py::detail::array_descriptor_proxy(py::detail::array_proxy(a.ptr())->descr);
    return type->type_num == number && (type->byteorder == '=' || type->byteorder == '|');
}

// The array that an object is; refers to the object.
inline ArrayRef as_array(const char* kernel, const char* argument, const py::handle& object) {
    if (!is_array(object)) bad_type(kernel, argument, "a " + type_name(object), "a numpy array");
    return reinterpret_cast<const Array&>(object);
}

// The array that an object is known to be.
inline ArrayRef array_of(const py::handle& object) { return reinterpret_cast<const Array&>(object); }
inline bool has_dtype(const Array& a, const py::dtype& dtype) {
    PyObject* own = py::detail::array_proxy(a.ptr())->descr;
    return own == dtype.ptr() || py::reinterpret_borrow<py::dtype>(own).equal(dtype);
}

// To a multiple of the size of a number, start and strides.
inline bool is_aligned(const Array& a) { return a.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_; }
inline bool is_c_contiguous(const Array& a) { return a.flags() & py::array::c_style; }
inline bool is_f_contiguous(const Array& a) { return a.flags() & py::array::f_style; }

// A new array of the dtype of `like`, in C order or in Fortran order, of any content.
inline py::object new_array(const Array& like, Size axes, const Size* shape, bool fortran = false) {
    const py::detail::npy_api& numpy = py::detail::npy_api::get();
    PyObject* dtype = py::detail::array_proxy(like.ptr())->descr;
    Py_INCREF(dtype); // the call takes a reference over
    PyObject* array = numpy.PyArray_NewFromDescr_(numpy.PyArray_Type_, dtype, int(axes), shape, nullptr, nullptr,
                                                  fortran ? py::detail::npy_api::NPY_ARRAY_F_CONTIGUOUS_ : 0, nullptr);
    if (!array) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(array);
}

// An array of any content with the dtype, shape and order of `like`.
inline py::object empty_like(const Array& like) {
    static const py::handle function = py::object(py::module_::import("numpy").attr("empty_like")).release();
    return function(like);
}

// A new C-contiguous array of any content.
py::object empty_array(const py::dtype& dtype, const std::vector<Py_ssize_t>& shape);
// An array in the memory of another one, from byte `offset` on.
py::object view_of(py::handle memory, const py::dtype& dtype, const std::vector<Py_ssize_t>& shape,
                   const std::vector<Py_ssize_t>& strides, Py_ssize_t offset);

// Runs a kernel without the GIL, unless it takes less time than giving the GIL away; or makes it a command of the
// program that is being built. Also for checks of values, which a program has to repeat: they throw.
template <class Kernel, class... A> void launch(double nanoseconds, Kernel kernel, A... arguments) {
    if (Program::building) {
        using Made = KernelCommand<Kernel, A...>;
        Program::building->add(std::make_unique<Made>(nanoseconds, kernel, std::move(arguments)...));
        return;
    }
    if (nanoseconds < 2000) return kernel(arguments...);
    py::gil_scoped_release unlocked;
    kernel(arguments...);
}

// As a command it has room of its own for the losses of the rows, so that several threads can share the rows.
template <class T> class CrossEntropyCommand final : public Command {
  public:
    CrossEntropyCommand(double nanoseconds, const CrossEntropy<T>& arguments)
        : Command(nanoseconds), table_(kernels<T>()), arguments_(arguments), each_(std::size_t(arguments.n) + 1) {
        arguments_.each = each_.data();
    }
    void run() override { table_.cross_entropy(arguments_); }
    bool has_parts() const override { return true; }
    void run_part(int i, int parts) override {
        const Part rows = Part::of(arguments_.n, i, parts);
        table_.cross_entropy_rows(arguments_, rows.begin, rows.end);
    }
    void finish() override { table_.cross_entropy_total(arguments_); }
    void each_pointer(const PointerVisitor& visit) override { arguments_.each_pointer(visit); }

  private:
    const KernelTable<T>& table_;
    CrossEntropy<T> arguments_;
    std::vector<double> each_;
};

template <class T> void launch_cross_entropy(double nanoseconds, const CrossEntropy<T>& l) {
    if (Program::building) Program::building->add(std::make_unique<CrossEntropyCommand<T>>(nanoseconds, l));
    else launch(nanoseconds, kernels<T>().cross_entropy, l);
}

// What a call needs before its kernels; `kernel` is its name.
inline void begin_call(const char*) {}
inline bool is_here(const ArrayRef&) { return true; }

} // namespace fastgrad
