#include "array_numpy.hpp"

namespace fastgrad {
namespace {

py::object make(const py::dtype& dtype, const std::vector<Py_ssize_t>& shape, const Py_ssize_t* strides, void* data) {
    const auto& api = py::detail::npy_api::get();
    const int flags = data ? py::detail::npy_api::NPY_ARRAY_WRITEABLE_ : 0;
    auto array = py::reinterpret_steal<py::object>(
        api.PyArray_NewFromDescr_(api.PyArray_Type_, py::dtype(dtype).release().ptr(), int(shape.size()),
                                  reinterpret_cast<const Py_intptr_t*>(shape.data()),
                                  reinterpret_cast<const Py_intptr_t*>(strides), data, flags, nullptr));
    if (!array) throw py::error_already_set();
    return array;
}

} // namespace

py::object empty_array(const py::dtype& dtype, const std::vector<Py_ssize_t>& shape) {
    return make(dtype, shape, nullptr, nullptr);
}

py::object view_of(py::handle memory, const py::dtype& dtype, const std::vector<Py_ssize_t>& shape,
                   const std::vector<Py_ssize_t>& strides, Py_ssize_t offset) {
    char* begin = static_cast<char*>(py::detail::array_proxy(memory.ptr())->data);
    py::object array = make(dtype, shape, strides.data(), begin + offset);
    py::detail::npy_api::get().PyArray_SetBaseObject_(array.ptr(), memory.inc_ref().ptr()); // takes a reference over
    return array;
}

} // namespace fastgrad
