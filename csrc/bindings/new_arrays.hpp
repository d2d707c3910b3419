// Uninitialised arrays, for the functions make_<kernel>, which give <kernel> outputs that they make themselves.
#pragma once

#include "arrays.hpp"

namespace fastgrad {

// Of the dtype of `like`, in C order or in Fortran order.
inline py::object new_array(const py::array& like, Size axes, const Size* shape, bool fortran = false) {
    const py::detail::npy_api& numpy = py::detail::npy_api::get();
    PyObject* dtype = py::detail::array_proxy(like.ptr())->descr;
    Py_INCREF(dtype); // the call takes a reference over
    PyObject* array = numpy.PyArray_NewFromDescr_(numpy.PyArray_Type_, dtype, int(axes), shape, nullptr, nullptr,
                                                  fortran ? py::detail::npy_api::NPY_ARRAY_F_CONTIGUOUS_ : 0, nullptr);
    if (!array) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(array);
}
inline py::object new_array(const py::array& like, Shape shape) {
    return new_array(like, Size(shape.size()), shape.begin());
}
// Of the shape of `like` too, and in its order if that is Fortran's.
inline py::object new_like(const py::array& like) {
    return new_array(like, like.ndim(), like.shape(), !is_c_contiguous(like) && like.flags() & py::array::f_style);
}

} // namespace fastgrad
