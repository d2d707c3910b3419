#include "record.hpp"

#include <atomic>

namespace fastgrad::tape {
namespace {

Version* new_version() {
    PyObject* o = classes.version->tp_alloc(classes.version, 0);
    if (!o) rethrow();
    return as<Version>(o);
}

Value* as_value(py::handle o) {
    if (!PyObject_TypeCheck(o.ptr(), classes.value_base))
        throw py::type_error(std::string("record(): a parent is a ") + Py_TYPE(o.ptr())->tp_name +
                             ", expected a Tensor");
    return as<Value>(o);
}

Node* new_node(py::handle rule, PyObject* stolen_edges) {
    static std::atomic<std::int64_t> made{0};
    py::object edges = py::reinterpret_steal<py::object>(stolen_edges);
    Node* node = allocate<Node>(classes.node);
    node->order = -made.fetch_add(1, std::memory_order_relaxed);
    node->rule = rule.inc_ref().ptr();
    node->edges = edges.release().ptr();
    node->saved = node->few;
    return node;
}

void reserve(Node* node, Py_ssize_t n) {
    if (n <= Py_ssize_t(std::size(node->few))) return;
    Saved* memory = static_cast<Saved*>(PyMem_Malloc(std::size_t(n) * sizeof(Saved)));
    if (!memory) throw std::bad_alloc();
    node->saved = memory;
}
void save(Node* node, py::object version) {
    if (!version || Py_TYPE(version.ptr()) != classes.version)
        throw py::type_error("record(): what is saved has no version, expected Tensors");
    Version* v = as<Version>(version.release());
    node->saved[node->saved_count++] = {v, v->count};
}
void save(Node* node, py::handle tensor) {
    Value* t = as_value(tensor);
    save(node, load(t, t->version));
}

// The edges to the nodes of `parents`; null if none of them requires a gradient.
PyObject* edges_to(py::handle parents) {
    const Py_ssize_t n = PyTuple_GET_SIZE(parents.ptr());
    PyObject* edges = nullptr;
    for (Py_ssize_t i = 0; i < n; ++i) {
        Value* p = as_value(PyTuple_GET_ITEM(parents.ptr(), i));
        py::object node = load(p, p->node);
        if (is_none(node)) continue;
        if (!edges) {
            edges = PyTuple_New(n);
            if (!edges) rethrow();
        }
        PyTuple_SET_ITEM(edges, i, node.release().ptr());
    }
    if (edges)
        for (Py_ssize_t i = 0; i < n; ++i)
            if (!PyTuple_GET_ITEM(edges, i)) PyTuple_SET_ITEM(edges, i, py::none().release().ptr());
    return edges;
}

} // namespace

bool& recording_enabled() {
    static thread_local bool enabled = true;
    return enabled;
}

py::object wrap(py::handle y) {
    py::object data =
        is_exact_array(y) || is_device_array(y) ? py::reinterpret_borrow<py::object>(y) : engine("as_array")(y);
    Value* t = new_value();
    py::object result = py::reinterpret_steal<py::object>(object(t));
    t->version = object(new_version());
    set_attribute(result, names.data, data);
    return result;
}

py::object record(py::handle y, py::handle parents, py::handle rule, py::handle saved, bool saves_output,
                  py::handle constants) {
    py::object result = wrap(y);
    if (!recording_enabled()) return result;
    const py::object from = as_tuple(parents), read = as_tuple(saved);
    PyObject* edges = edges_to(from);
    if (!edges) return result;
    Value* t = as<Value>(result);
    Node* node = new_node(rule, edges);
    exchange(t, t->node, object(node));
    if (constants) node->constants = as_tuple(constants).release().ptr();
    const Py_ssize_t n = PyTuple_GET_SIZE(read.ptr());
    reserve(node, n + 1);
    for (Py_ssize_t i = 0; i < n; ++i) save(node, py::handle(PyTuple_GET_ITEM(read.ptr(), i)));
    if (saves_output) save(node, py::reinterpret_borrow<py::object>(t->version));
    return result;
}

py::object make_node(py::handle edges, py::handle rule, py::handle saved, py::handle extra) {
    const py::object read = as_tuple(saved), versions = as_tuple(extra);
    Node* node = new_node(rule, as_tuple(edges).release().ptr());
    py::object result = py::reinterpret_steal<py::object>(object(node));
    const Py_ssize_t n = PyTuple_GET_SIZE(read.ptr()), m = PyTuple_GET_SIZE(versions.ptr());
    reserve(node, n + m);
    for (Py_ssize_t i = 0; i < n; ++i) save(node, py::handle(PyTuple_GET_ITEM(read.ptr(), i)));
    for (Py_ssize_t i = 0; i < m; ++i)
        save(node, py::reinterpret_borrow<py::object>(PyTuple_GET_ITEM(versions.ptr(), i)));
    return result;
}

bool is_recording(PyObject* const* tensors, Py_ssize_t n) {
    if (!recording_enabled()) return false;
    for (Py_ssize_t i = 0; i < n; ++i) {
        Value* t = as_value(tensors[i]);
        if (!is_none(load(t, t->node))) return true;
    }
    return false;
}

} // namespace fastgrad::tape
