// Copies between arrays of any layout, for programs: what numpy does when a step runs eagerly.
#include <algorithm>

#include "arrays.hpp"
#include "module.hpp"

#include "../fastgrad/copy.hpp"

namespace fastgrad {
namespace {

void copy(py::handle to, py::handle from) {
    constexpr const char* name = "copy";
    begin_call(name);
    const Array &out = as_array(name, "to", to), &in = as_array(name, "source", from);
    if (shape_of(out) != shape_of(in))
        bad_value(name, "source", shape_text(shape_of(in)), shape_text(shape_of(out)).substr(3));
    if (!in.dtype().equal(out.dtype())) bad_type(name, "source", dtype_name(in), std::string(py::str(out.dtype())));
    if (in.dtype().kind() == 'O') bad_type(name, "source", dtype_name(in), "a dtype of numbers");
    if (!out.writeable()) bad_value(name, "to", "read-only", "a writable array");
    launch_copy(out, in);
}

} // namespace

void launch_copy(const Array& to, const Array& from) {
    StridedCopy c{static_cast<char*>(const_cast<void*>(to.data())),
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
