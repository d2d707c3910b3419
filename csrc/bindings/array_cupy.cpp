#include "array_cupy.hpp"

#include <cstdint>

#include <pybind11/stl.h>

namespace fastgrad {

const Cupy& cupy() {
    static const Cupy& the = *[] {
        const py::module_ numpy = py::module_::import("numpy");
        const auto keep = [](const py::object& o) { return py::object(o).release(); };
        const auto dtype = [&](const char* name) { return keep(numpy.attr("dtype")(name)); };
        Cupy* c = new Cupy{};
        c->array_class = keep(py::module_::import("cupy").attr("ndarray"));
        c->float32 = dtype("float32"), c->float64 = dtype("float64"), c->int64 = dtype("int64");
        c->copy_order_c = keep(py::str("C")), c->copy_order_f = keep(py::str("F"));
        c->data = PyUnicode_InternFromString("data"), c->ptr = PyUnicode_InternFromString("ptr");
        c->device_id = PyUnicode_InternFromString("device_id"), c->shape = PyUnicode_InternFromString("shape");
        c->strides = PyUnicode_InternFromString("strides"), c->dtype = PyUnicode_InternFromString("dtype");
        return c;
    }();
    return the;
}

namespace {

py::object attribute(py::handle object, PyObject* name) {
    PyObject* value = PyObject_GetAttr(object.ptr(), name);
    if (!value) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(value);
}

Size read_sizes(const py::object& tuple, std::array<Size, Array::most_axes>& to) {
    const Size n = PyTuple_GET_SIZE(tuple.ptr());
    if (n > Array::most_axes) throw py::value_error("an array has " + std::to_string(n) + " axes, expected at most 32");
    for (Size i = 0; i < n; ++i) to[std::size_t(i)] = PyLong_AsSsize_t(PyTuple_GET_ITEM(tuple.ptr(), i));
    return n;
}

// cupy's function that tells the current stream, without Python where cupy has it.
using StreamFunction = std::intptr_t (*)();
StreamFunction native_stream_function() {
    try {
        const py::dict functions = py::module_::import("cupy_backends.cuda.stream").attr("__pyx_capi__");
        const py::object capsule = functions["get_current_stream_ptr"];
        const char* signature = PyCapsule_GetName(capsule.ptr());
        if (!signature || std::string(signature).find("intptr_t (") != 0) return nullptr;
        return reinterpret_cast<StreamFunction>(PyCapsule_GetPointer(capsule.ptr(), signature));
    } catch (py::error_already_set&) { return nullptr; }
}
cudaStream_t current_stream() {
    static const StreamFunction function = native_stream_function();
    if (function) return reinterpret_cast<cudaStream_t>(function());
    static const py::handle slow =
        py::object(py::module_::import("cupy").attr("cuda").attr("get_current_stream")).release();
    return reinterpret_cast<cudaStream_t>(slow().attr("ptr").cast<std::intptr_t>());
}

bool are_devices_several() {
    int count = 0;
    cuda::check(cudaGetDeviceCount(&count));
    return count > 1;
}
int device_of(const Array& a) {
    return int(PyLong_AsLong(attribute(attribute(a.object(), cupy().data), cupy().device_id).ptr()));
}

} // namespace

Array::Array(py::handle object) : object_(object) {
    const Cupy& c = cupy();
    const py::object memory = attribute(object, c.data);
    data_ = PyLong_AsVoidPtr(attribute(memory, c.ptr).ptr());
    axes_ = read_sizes(attribute(object, c.shape), shape_);
    read_sizes(attribute(object, c.strides), strides_);
    dtype_ = attribute(object, c.dtype); // the array holds it
    itemsize_ = dtype_.ptr() == c.float32.ptr() ? 4 : Size(dtype().itemsize());
}

bool is_here(const Array& a) {
    static const bool several = are_devices_several();
    return !several || device_of(a) == cuda::current_device();
}
void bad_device(const char* kernel, const char* argument, const Array& a) {
    const auto name = [](int device) { return "cuda:" + std::to_string(device); };
    throw std::runtime_error(message(kernel, argument, "on " + name(device_of(a)),
                                     name(cuda::current_device()) + ", the current GPU (see fastgrad.cuda.device)"));
}

bool Array::is_contiguous(bool fortran) const {
    Size expected = itemsize_;
    if (size() == 0) return true;
    for (Size k = 0; k < axes_; ++k) {
        const Size i = fortran ? k : axes_ - 1 - k;
        if (shape(i) != 1 && strides(i) != expected) return false;
        expected *= shape(i);
    }
    return true;
}

py::object new_array(const Array& like, Size axes, const Size* shape, bool fortran) {
    const Cupy& c = cupy();
    py::tuple sizes{std::size_t(axes)};
    for (Size i = 0; i < axes; ++i) sizes[std::size_t(i)] = py::int_(shape[i]);
    return c.array_class(sizes, like.dtype(), py::none(), py::none(), fortran ? c.copy_order_f : c.copy_order_c);
}

py::object empty_like(const Array& like) {
    static const py::handle function = py::object(py::module_::import("cupy").attr("empty_like")).release();
    return function(like.object());
}

py::object empty_array(const py::dtype& dtype, const std::vector<Py_ssize_t>& shape) {
    return cupy().array_class(py::cast(shape), dtype);
}

py::object view_of(py::handle memory, const py::dtype& dtype, const std::vector<Py_ssize_t>& shape,
                   const std::vector<Py_ssize_t>& strides, Py_ssize_t offset) {
    const py::object begin = attribute(memory, cupy().data) + py::int_(offset);
    return cupy().array_class(py::cast(shape), dtype, begin, py::cast(strides));
}

void begin_call(const char* kernel) { cuda::begin(kernel, current_stream()); }

} // namespace fastgrad
