// Copies between arrays of any layout, for programs: what numpy does when a step runs eagerly.
#include <algorithm>
#include <cstring>

#include "arrays.hpp"
#include "module.hpp"

namespace fastgrad {
namespace {

struct Copy {
    char* to;
    const char* from;
    Size item;
    std::vector<Size> shape, to_strides, from_strides; // in bytes; the last axis is the one `to` is densest in
    template <class Visit> void each_pointer(const Visit& visit) { visit(&to), visit(&from); }
};

template <class Item> void copy_row(char* to, const char* from, Size n, Size to_stride, Size from_stride) {
    for (Size i = 0; i < n; ++i) std::memcpy(to + i * to_stride, from + i * from_stride, sizeof(Item));
}

void copy_axes(const Copy& c, std::size_t axis, char* to, const char* from) {
    if (axis == c.shape.size()) {
        std::memcpy(to, from, std::size_t(c.item));
        return;
    }
    const Size n = c.shape[axis], to_stride = c.to_strides[axis], from_stride = c.from_strides[axis];
    if (axis + 1 < c.shape.size()) {
        for (Size i = 0; i < n; ++i) copy_axes(c, axis + 1, to + i * to_stride, from + i * from_stride);
    } else if (to_stride == c.item && from_stride == c.item) {
        std::memcpy(to, from, std::size_t(n * c.item));
    } else if (c.item == 4) {
        copy_row<std::int32_t>(to, from, n, to_stride, from_stride);
    } else if (c.item == 8) {
        copy_row<std::int64_t>(to, from, n, to_stride, from_stride);
    } else {
        for (Size i = 0; i < n; ++i) std::memcpy(to + i * to_stride, from + i * from_stride, std::size_t(c.item));
    }
}

void run_copy(const Copy& c) {
    if (std::find(c.shape.begin(), c.shape.end(), 0) == c.shape.end()) copy_axes(c, 0, c.to, c.from);
}

void copy(py::handle to, py::handle from) {
    constexpr const char* name = "copy";
    const py::array &out = as_array(name, "to", to), &in = as_array(name, "source", from);
    if (shape_of(out) != shape_of(in))
        bad_value(name, "source", shape_text(shape_of(in)), shape_text(shape_of(out)).substr(3));
    if (!in.dtype().equal(out.dtype())) bad_type(name, "source", dtype_name(in), std::string(py::str(out.dtype())));
    if (in.dtype().kind() == 'O') bad_type(name, "source", dtype_name(in), "a dtype of numbers");
    if (!out.writeable()) bad_value(name, "to", "read-only", "a writable array");
    launch_copy(out, in);
}

} // namespace

void launch_copy(const py::array& to, const py::array& from) {
    Copy c{static_cast<char*>(const_cast<void*>(to.data())),
           static_cast<const char*>(from.data()),
           to.itemsize(),
           {},
           {},
           {}};
    std::vector<Size> axes;
    for (Size i = 0; i < to.ndim(); ++i)
        if (to.shape(i) != 1) axes.push_back(i);
    std::stable_sort(axes.begin(), axes.end(),
                     [&](Size i, Size j) { return std::abs(to.strides(i)) > std::abs(to.strides(j)); });
    for (const Size axis : axes) {
        const Size n = to.shape(axis), s = to.strides(axis), t = from.strides(axis);
        if (!c.shape.empty() && c.to_strides.back() == n * s &&
            c.from_strides.back() == n * t) { // one run with the last
            c.shape.back() *= n, c.to_strides.back() = s, c.from_strides.back() = t;
        } else {
            c.shape.push_back(n), c.to_strides.push_back(s), c.from_strides.push_back(t);
        }
    }
    launch(double(to.nbytes()) / 8, &run_copy, std::move(c));
}

void bind_copies(py::module_& m) {
    def<copy>(m, "copy", {"to", "source"}, "to[...] = source, of one shape and dtype, in any layouts.");
}

} // namespace fastgrad
