// The extension module fastgrad._tape: how operations are recorded and gradients flow back. It knows no mathematics.
#include "../bindings/fastcall.hpp"
#include "backward.hpp"
#include "record.hpp"
#include "update.hpp"

namespace fastgrad::tape {
namespace {

py::handle or_nothing(py::handle sequence) {
    static PyObject* const empty = PyTuple_New(0);
    return sequence ? sequence : py::handle(empty);
}

py::object py_record(py::handle y, py::handle parents, py::handle rule, py::handle saved, bool saves_output,
                     py::handle constants) {
    return record(y, parents, rule, or_nothing(saved), saves_output, constants);
}
py::object py_make_node(py::handle edges, py::handle rule, py::handle saved, py::handle extra) {
    return make_node(edges, rule, or_nothing(saved), or_nothing(extra));
}
py::object py_pop(py::handle grads) {
    Arrived a = pop(grads);
    return py::make_tuple(std::move(a.leaf), std::move(a.gradient), a.alone);
}
void py_accumulate(py::handle tensor, py::handle g, bool alone) {
    accumulate(tensor, py::reinterpret_borrow<py::object>(g), alone);
}

PyObject* py_is_recording(PyObject*, PyObject* const* tensors, Py_ssize_t n) {
    try {
        return PyBool_FromLong(is_recording(tensors, n));
    } catch (...) {
        raise_in_python();
        return nullptr;
    }
}
PyMethodDef is_recording_definition{
    "is_recording", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&py_is_recording)), METH_FASTCALL,
    "is_recording(*tensors) -> bool\n\nWhether an operation on these tensors will be recorded.\n"};

constexpr const char* record_doc =
    R"(A tensor over `y`, with the node that computes its gradients if any parent requires one.

Parameters
----------
y : ndarray
    The operation's result.
parents : tuple of Tensor
    What it was computed from, in the order of the rule's gradients.
rule : callable
    ``rule(dy, needs) -> tuple of ndarrays or None``; `dy` has the shape and dtype of `y`, each gradient those of its
    parent; `needs` is a tuple of bools, one per parent. The rule may return `dy` itself, a view, or a fresh array; the
    tape writes into none that somebody else may see.
saved : tuple of Tensor
    The tensors whose memory the rule reads; changing it before backward is an error there.
saves_output : bool
    Whether the rule reads `y`.
constants : tuple, optional
    What the rule, which may then be a function at module level, gets after `dy` and `needs`; at most 8. It costs a
    third of what a closure does.

Returns
-------
Tensor)";

void set_recordings(std::int64_t n) { recordings = long(n); }
void set_result_class(py::handle type) { classes.value = as<PyTypeObject>(type.inc_ref()); }
void set_device_array(py::handle type) { device_array = as<PyTypeObject>(type.inc_ref()); }
void set_node_class(py::handle type) { classes.node = as<PyTypeObject>(type.inc_ref()); }

PyObject* get_enabled(PyObject*, void*) { return PyBool_FromLong(recording_enabled()); }
int set_enabled(PyObject*, PyObject* value, void*) {
    const int yes = value ? PyObject_IsTrue(value) : 0;
    if (yes < 0) return -1;
    recording_enabled() = yes == 1;
    return 0;
}
PyGetSetDef switch_attributes[] = {
    {"enabled", get_enabled, set_enabled, "Whether this thread records operations.", nullptr}, {}};
PyType_Slot switch_slots[] = {{Py_tp_getset, switch_attributes}, {0, nullptr}};

} // namespace

PYBIND11_MODULE(_tape, m, py::mod_gil_not_used()) {
    m.doc() = "The tape: how operations are recorded and gradients flow back.";
    make_classes(m);
    PyType_Spec spec{"fastgrad._tape.Switch", sizeof(PyObject), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                     switch_slots};
    PyObject* type = PyType_FromSpec(&spec);
    if (!type) rethrow();
    m.attr("Switch") = py::reinterpret_steal<py::object>(type);
    m.attr("is_recording") =
        py::reinterpret_steal<py::object>(PyCFunction_NewEx(&is_recording_definition, nullptr, nullptr));
    def<wrap>(m, "wrap", {"y"}, "A tensor over the array y that requires no gradient.");
    def<py_record>(m, "record", {"y", "parents", "rule", "saved", "saves_output", "constants"}, record_doc, 3);
    def<py_make_node>(m, "make_node", {"edges", "rule", "saved", "extra"},
                      "A node by itself, which reads the memory of the tensors saved and of the versions extra.", 2);
    def<sweep>(m, "sweep", {"grads", "keep", "path", "captured"},
               "Turns the gradients in grads into those of the leaves.");
    def<py_pop>(m, "pop", {"grads"}, "A leaf, its gradient, and whether nobody else holds the gradient's memory.");
    def<py_accumulate>(m, "accumulate", {"t", "g", "alone"}, "Adds g to the gradient of the leaf t.");
    def<seed>(m, "seed", {"tensor"}, "{node: 1} to start from a tensor of one element; None in unusual cases.");
    def<backward>(m, "backward", {"grads", "keep"}, "Adds to the gradients of all leaves that grads lead to.");
    def<with_gradients>(m, "with_gradients", {"tensors"},
                        "The tensors that have a gradient, their arrays, and their gradients' arrays.");
    def<are_same>(m, "are_same", {"a", "b"}, "Whether two sequences hold the same objects.");
    def<count_changes>(m, "count_changes", {"tensors"}, "Notes that the memory of each tensor has changed.");
    def<set_quiet>(m, "set_quiet", {"variable", "value"}, "Tells what makes numpy silent.");
    def<set_recordings>(m, "set_recordings", {"n"}, "How many threads are recording a step.");
    def<set_result_class>(m, "set_result_class", {"type"}, "Lets type be what record and wrap make.");
    def<set_device_array>(m, "set_device_array", {"type"}, "Lets type be a class of arrays as well.");
    def<set_node_class>(m, "set_node_class", {"type"}, "Lets type be the class of nodes.");
    def<lock_accumulation>(m, "lock_accumulation", {}, "Waits until no thread adds to gradients; none will.");
    def<unlock_accumulation>(m, "unlock_accumulation", {}, "Lets threads add to gradients again.");
}

} // namespace fastgrad::tape
