// Chains of elementwise operations, which programs make (fastgrad/program/elementwise.py).
#include <algorithm>
#include <iterator>

#include "arrays.hpp"
#include "module.hpp"

namespace fastgrad {
namespace {

constexpr const char* name = "elementwise";

py::tuple as_tuple(const char* argument, py::handle object, std::size_t most) {
    if (!py::isinstance<py::list>(object) && !py::isinstance<py::tuple>(object))
        bad_type(name, argument, "a " + type_name(object), "a list");
    auto items = py::reinterpret_steal<py::tuple>(PySequence_Tuple(object.ptr()));
    if (items.size() > most)
        bad_value(name, argument, "a list of " + std::to_string(items.size()), "at most " + std::to_string(most));
    return items;
}

ElementwiseOp as_op(py::handle object) {
    const std::string op = py::str(object);
    const auto* end = std::end(elementwise_op_names);
    const auto* found = std::find(std::begin(elementwise_op_names), end, op);
    if (found == end) bad_value(name, "steps", "'" + op + "'", "the name of an operation");
    return ElementwiseOp(found - elementwise_op_names);
}

// Columns that lie side by side, or, of an input, the same number for all of them.
template <class T> void add_memory(Elementwise<T>& e, const char* argument, py::handle object, bool is_output, int at) {
    const Array& a = as_array(name, argument, object);
    const bool is_bool = a.dtype().kind() == 'b';
    if (!is_bool && !has_dtype<T>(a))
        bad_type(name, argument, dtype_name(a), sizeof(T) == 4 ? "dtype float32 or bool" : "dtype float64 or bool");
    if (!same_shape(a, {e.rows, e.columns}))
        bad_value(name, argument, shape_text(shape_of(a)), shape_text(std::vector<Size>{e.rows, e.columns}).substr(3));
    const bool is_dense = e.columns < 2 || a.strides(1) == a.itemsize(), is_one = !is_output && a.strides(1) == 0;
    if (!(is_dense || is_one) || !is_aligned(a))
        bad_value(name, argument, "a strided or unaligned view", "columns side by side");
    if (is_output && !a.writeable()) bad_value(name, argument, "read-only", "a writable array");
    e.memory[at] = {static_cast<char*>(const_cast<void*>(a.data())), a.strides(0), is_one ? 0 : a.itemsize()};
}

template <class T> void add_step(Elementwise<T>& e, py::handle object) {
    if (!py::isinstance<py::tuple>(object) || py::len(object) != 5)
        bad_type(name, "steps", "a " + type_name(object), "tuples of an operation and four registers");
    const auto step = py::reinterpret_borrow<py::tuple>(object);
    unsigned char registers[4];
    for (std::size_t i = 0; i < 4; ++i) {
        const int number = step[i + 1].cast<int>();
        if (number < 0 || number >= e.inputs + e.outputs + e.slots || (i == 0 && number < e.inputs))
            bad_value(name, "steps", "register " + std::to_string(number), "one that there is");
        registers[i] = static_cast<unsigned char>(number);
    }
    e.step[e.steps++] = {as_op(step[0]), registers[0], registers[1], registers[2], registers[3]};
}

template <class Body> void by_name(const std::string& dtype, Body body) {
    if (dtype == "float32") body(float{});
    else if (dtype == "float64") body(double{});
    else bad_value(name, "dtype", "'" + dtype + "'", "'float32' or 'float64'");
}

void elementwise(py::handle outputs, py::handle inputs, py::handle steps, std::string dtype, std::int64_t slots) {
    begin_call(name);
    by_name(dtype, [&]<class T>(T) {
        using Chain = Elementwise<T>;
        const py::tuple out = as_tuple("outputs", outputs, Chain::most_memory),
                        in = as_tuple("inputs", inputs, Chain::most_memory - out.size());
        const py::tuple all = as_tuple("steps", steps, Chain::most_steps);
        if (out.empty()) bad_value(name, "outputs", "an empty list", "at least one array");
        if (slots < 0 || slots > Chain::most_slots)
            bad_value(name, "slots", std::to_string(slots), "from 0 to " + std::to_string(Chain::most_slots));
        const py::object first_output = out[0]; // as_array refers to it
        const Array& first = two_dimensional(name, "outputs", first_output);
        Chain e{};
        e.rows = first.shape(0), e.columns = first.shape(1), e.slots = int(slots);
        for (const py::handle each : in) add_memory(e, "inputs", each, false, e.inputs++);
        for (const py::handle each : out) add_memory(e, "outputs", each, true, e.inputs + e.outputs++);
        for (const py::handle each : all) add_step(e, each);
        launch(double(all.size()) * double(first.size()) * 0.05, kernels<T>().elementwise, e);
    });
}

} // namespace

void bind_elementwise(py::module_& m) {
    def<elementwise>(m, "elementwise", {"outputs", "inputs", "steps", "dtype", "slots"},
                     "Run steps (operation, to, a, b, c) over arrays (rows, columns): registers are the inputs, then "
                     "the outputs, then slots.");
}

} // namespace fastgrad
