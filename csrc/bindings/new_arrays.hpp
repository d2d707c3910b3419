// Uninitialised arrays, for the functions make_<kernel>, which give <kernel> outputs that they make themselves.
#pragma once

#include "arrays.hpp"

namespace fastgrad {

inline py::object new_array(const Array& like, Shape shape) {
    return new_array(like, Size(shape.size()), shape.begin());
}
// Of the dtype and shape of `like`, and in its order if that is Fortran's.
inline py::object new_like(const Array& like) {
    return new_array(like, like.ndim(), like.shape(), !is_c_contiguous(like) && is_f_contiguous(like));
}

} // namespace fastgrad
