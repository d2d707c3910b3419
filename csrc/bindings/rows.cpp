// Kernels over the rows of a matrix: softmax, gather, embedding; and dropout.
#include <algorithm>
#include <cstring>

#include "arrays.hpp"
#include "checks.hpp"
#include "module.hpp"

#include "../fastgrad/copy.hpp"

namespace fastgrad {
namespace {

template <bool logarithm> void softmax_forward(py::handle y, py::handle x) {
    constexpr const char* name = logarithm ? "log_softmax_forward" : "softmax_forward";
    by_dtype(name, "x", x, [&]<class T>(T) {
        const Array& in = two_dimensional(name, "x", x);
        const Size rows = in.shape(0), columns = in.shape(1);
        Arguments<T> arguments(name);
        T* y_data = arguments.output("y", y, {rows, columns});
        const T* x_data = arguments.input("x", x, {rows, columns});
        arguments.check_overlap();
        launch(double(in.size()), kernels<T>().softmax_forward, y_data, x_data, rows, columns, logarithm);
    });
}

template <bool logarithm> void softmax_backward(py::handle dx, py::handle dy, py::handle y) {
    constexpr const char* name = logarithm ? "log_softmax_backward" : "softmax_backward";
    by_dtype(name, "y", y, [&]<class T>(T) {
        const Array& out = two_dimensional(name, "y", y);
        const Size rows = out.shape(0), columns = out.shape(1);
        Arguments<T> arguments(name);
        T* dx_data = arguments.output("dx", dx, {rows, columns});
        const T* dy_data = arguments.input("dy", dy, {rows, columns});
        const T* y_data = arguments.input("y", y, {rows, columns});
        arguments.check_overlap();
        launch(double(out.size()), kernels<T>().softmax_backward, dx_data, dy_data, y_data, rows, columns, logarithm);
    });
}

template <class T> struct DropoutCall {
    T* y;
    const T* x;
    Size n;
    double p;
    RandomCounter options; // a program draws another one for every run
    template <class Visit> void each_pointer(const Visit& visit) { visit(&y), visit(&x); }
};
template <class T> void run_dropout(const DropoutCall<T>& c) { kernels<T>().dropout(c.y, c.x, c.n, c.p, c.options); }

void dropout(py::handle y, py::handle x, double p, std::uint64_t seed, std::uint64_t offset) {
    constexpr const char* name = "dropout";
    if (!(p >= 0 && p <= 1)) bad_value(name, "p", number_text(p), "a probability from 0 to 1");
    by_dtype(name, "y", y, [&]<class T>(T) {
        Arguments<T> arguments(name);
        const Array& out = arguments.typed("y", y);
        T* y_data = arguments.output_like("y", y, out);
        const T* x_data = arguments.input_like("x", x, out);
        arguments.check_overlap(true);
        if (out.size() > 0 && offset > UINT64_MAX - std::uint64_t(out.size() - 1))
            bad_value(name, "offset", std::to_string(offset), "an offset whose stream does not end within the array");
        const DropoutCall<T> call{y_data, x_data, out.size(), p, {seed, offset}};
        launch(double(out.size()), &run_dropout<T>, call);
    });
}

bool same_rows(const Array& a, const Array& b) {
    if (a.ndim() < 1 || a.ndim() != b.ndim()) return false;
    return std::equal(a.shape() + 1, a.shape() + a.ndim(), b.shape() + 1);
}

void gather_rows(py::handle out, py::handle x, py::handle index) {
    constexpr const char* name = "gather_rows";
    const Array &to = as_array(name, "out", out), &from = as_array(name, "x", x);
    if (!same_rows(to, from))
        bad_value(name, "out", shape_text(shape_of(to)),
                  "rows like those of 'x', which is " + shape_text(shape_of(from)));
    const py::dtype type = from.dtype();
    if (!std::strchr("biufc", type.kind())) bad_type(name, "x", dtype_name(from), "a plain numeric dtype");
    if (!to.dtype().equal(type)) bad_type(name, "out", dtype_name(to), "dtype " + std::string(py::str(type)));
    if (!is_c_contiguous(to)) bad_value(name, "out", "not C-contiguous", "a C-contiguous array");
    if (!is_c_contiguous(from)) bad_value(name, "x", "not C-contiguous", "a C-contiguous array");
    if (!to.writeable()) bad_value(name, "out", "read-only", "a writable array");
    Arguments<std::int64_t> arguments(name);
    const Size n = to.shape(0);
    const std::int64_t* i = arguments.index("index", index, n);
    arguments.add(to, "out", true);
    arguments.add(from, "x", false);
    arguments.check_overlap();
    launch(double(n), &check_rows, name, i, n, from.shape(0));
    const std::size_t bytes = std::size_t(n ? to.nbytes() / n : 0);
    char* y = static_cast<char*>(const_cast<void*>(to.data()));
    const char* p = static_cast<const char*>(from.data());
    launch(double(to.nbytes()) / 8, &gather, y, p, i, n, bytes, from.shape(0));
}

void embedding_backward(py::handle dw, py::handle dy, py::handle index, std::int64_t padding_idx) {
    constexpr const char* name = "embedding_backward";
    by_dtype(name, "dw", dw, [&]<class T>(T) {
        const Array &out = two_dimensional(name, "dw", dw), &in = two_dimensional(name, "dy", dy);
        const Size rows = out.shape(0), columns = out.shape(1), n = in.shape(0);
        if (padding_idx < -1 || padding_idx >= rows)
            bad_value(name, "padding_idx", std::to_string(padding_idx), "a row of 'dw', or -1 for none");
        Arguments<T> arguments(name);
        T* dw_data = arguments.output("dw", dw, {rows, columns});
        const T* dy_data = arguments.input("dy", dy, {n, columns});
        const std::int64_t* at = arguments.index("index", index, n);
        arguments.check_overlap();
        launch(double(n), &check_rows, name, at, n, rows);
        launch(double(out.size() + in.size()) / 4, kernels<T>().embedding_backward, dw_data, dy_data, at, n, rows,
               columns, padding_idx);
    });
}

} // namespace

void bind_rows(py::module_& m) {
    def<softmax_forward<false>>(m, "softmax_forward", {"y", "x"}, "y = softmax of the rows of x.");
    def<softmax_forward<true>>(m, "log_softmax_forward", {"y", "x"}, "y = log softmax of the rows of x.");
    def<softmax_backward<false>>(m, "softmax_backward", {"dx", "dy", "y"}, "dx = y (dy - sum of dy y over the row).");
    def<softmax_backward<true>>(m, "log_softmax_backward", {"dx", "dy", "y"},
                                "dx = dy - exp(y) (sum of dy over the row).");
    def<dropout>(m, "dropout", {"y", "x", "p", "seed", "offset"},
                 "y = x / (1 - p) where number offset + i of Philox(seed) is at least p 2^32, else 0; y may be x.");
    def<gather_rows>(m, "gather_rows", {"out", "x", "index"}, "out[i] = x[index[i]].");
    def<embedding_backward>(m, "embedding_backward", {"dw", "dy", "index", "padding_idx"},
                            "dw[r] = sum of dy[i] over all i with index[i] == r, 0 for r == padding_idx.");
}

} // namespace fastgrad
