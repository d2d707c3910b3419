// How gradients flow along the edges, latest operation first.
#include "backward.hpp"

#include <algorithm>
#include <string>
#include <unordered_set>
#include <vector>

namespace fastgrad::tape {
namespace {

py::object take(py::handle dict, py::handle key) {
    PyObject* value = PyDict_GetItemWithError(dict.ptr(), key.ptr());
    if (!value) {
        if (PyErr_Occurred()) rethrow();
        return {};
    }
    py::object taken = py::reinterpret_borrow<py::object>(value);
    if (PyDict_DelItem(dict.ptr(), key.ptr())) rethrow();
    return taken;
}
// Null if it is not there.
PyObject* find(py::handle dict, py::handle key) {
    PyObject* value = PyDict_GetItemWithError(dict.ptr(), key.ptr());
    if (!value && PyErr_Occurred()) rethrow();
    return value;
}
bool contains(py::handle set_or_dict, py::handle key) {
    if (set_or_dict.is_none()) return false;
    const int found = PySequence_Contains(set_or_dict.ptr(), key.ptr());
    if (found < 0) rethrow();
    return found == 1;
}

bool is_parts(py::handle o) {
    static PyTypeObject* const type = as<PyTypeObject>(kept("fastgrad.autograd.graph", "Parts"));
    return Py_TYPE(o.ptr()) == type;
}

bool is_node(py::handle o) { return Py_TYPE(o.ptr()) == classes.node; }

// The nodes that a gradient has reached, the one made last first: whatever feeds it was made later and is done.
class Reached {
  public:
    void push(py::handle node) {
        nodes_.push_back(as<Node>(node));
        std::push_heap(nodes_.begin(), nodes_.end(), later);
    }
    bool empty() const { return nodes_.empty(); }
    Node* pop() {
        std::pop_heap(nodes_.begin(), nodes_.end(), later);
        Node* node = nodes_.back();
        nodes_.pop_back();
        return node;
    }

  private:
    static bool later(const Node* a, const Node* b) { return a->order > b->order; }
    std::vector<Node*> nodes_; // the dict of gradients keeps them alive
};

void check_versions(Node* node) {
    for (Py_ssize_t i = 0; i < node->saved_count; ++i) {
        const Saved& s = node->saved[i];
        if (s.version->count == s.count) continue;
        const std::string name = py::str(py::handle(object(node)).attr("name")());
        throw std::runtime_error("one of the variables needed for gradient computation has been modified by an "
                                 "inplace operation: " +
                                 name + " reads memory that is at version " + std::to_string(s.version->count) +
                                 "; expected version " + std::to_string(s.count) + " instead");
    }
}

void add_in_place(py::handle sum, py::handle d) {
    static const py::handle add = kept("numpy", "add");
    PyObject* const arguments[] = {sum.ptr(), d.ptr(), sum.ptr()};
    if (!py::reinterpret_steal<py::object>(PyObject_Vectorcall(add.ptr(), arguments, 3, nullptr))) rethrow();
}

py::object apply(py::handle rule, py::handle dy, py::handle needs, py::handle constants) {
    constexpr Py_ssize_t most = 10;
    PyObject* arguments[most] = {dy.ptr(), needs.ptr()};
    Py_ssize_t n = 2;
    if (constants) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(constants.ptr()); ++i) {
            if (n == most) throw std::runtime_error("record(): argument 'constants' is too long, expected at most 8");
            arguments[n++] = PyTuple_GET_ITEM(constants.ptr(), i);
        }
    }
    PyObject* results = PyObject_Vectorcall(rule.ptr(), arguments, std::size_t(n), nullptr);
    if (!results) rethrow();
    return py::reinterpret_steal<py::object>(results);
}

// Lets go of what only a backward pass needs.
void free_node(Node* node, py::handle rule) {
    py::object label = attribute(rule, names.qualname);
    PyObject* no_edges = PyTuple_New(0);
    if (!no_edges) rethrow();
    const py::object before = exchange(node, node->rule, nullptr), edges = exchange(node, node->edges, no_edges);
    exchange(node, node->constants, nullptr);
    exchange(node, node->label, label.release().ptr());
    const Py_ssize_t n = std::exchange(node->saved_count, 0);
    for (Py_ssize_t i = 0; i < n; ++i) Py_CLEAR(node->saved[i].version);
}

// Per edge whether its gradient is wanted.
py::object wanted(py::handle edges, py::handle path, py::handle captured) {
    const Py_ssize_t n = PyTuple_GET_SIZE(edges.ptr());
    py::object needs = py::reinterpret_steal<py::object>(PyTuple_New(n));
    if (!needs) rethrow();
    for (Py_ssize_t i = 0; i < n; ++i) {
        const py::handle edge = PyTuple_GET_ITEM(edges.ptr(), i);
        const bool want = path.is_none() ? !edge.is_none() : contains(path, edge) || contains(captured, edge);
        PyTuple_SET_ITEM(needs.ptr(), i, py::bool_(want).release().ptr());
    }
    return needs;
}

} // namespace

long recordings = 0;

void sweep(py::handle grads, bool keep, py::handle path, py::handle captured) {
    Reached reached;
    // While a step is recorded, rules get and give what stands for arrays in the recording.
    const py::object recorder = recordings ? engine("recorder")() : py::none();
    std::unordered_set<PyObject*> own; // edges whose gradient is a sum made here, which may be added to in place
    PyObject *key = nullptr, *value = nullptr;
    for (Py_ssize_t at = 0; PyDict_Next(grads.ptr(), &at, &key, &value);)
        if (is_node(key)) reached.push(key);
    while (!reached.empty()) {
        Node* node = reached.pop();
        const py::object held = py::reinterpret_borrow<py::object>(object(node));
        py::object dy = take(grads, held);
        own.erase(held.ptr());
        if (!is_exact_array(dy) && !is_device_array(dy) && !is_parts(dy))
            dy = engine("as_array")(dy); // a numpy scalar, of a 0-dimensional one
        if (const py::object hooks = load(node, node->hooks); !is_none(hooks)) dy = engine("run_hooks")(hooks, dy);
        if (!captured.is_none() && contains(captured, held)) {
            put(captured, held, dy);
            if (!contains(path, held)) continue;
        }
        const py::object rule = load(node, node->rule), edges = load(node, node->edges);
        if (is_none(rule)) {
            PyErr_SetObject(PyExc_RuntimeError, engine("TWICE").ptr());
            rethrow();
        }
        check_versions(node);
        const py::object needs = wanted(edges, path, captured);
        if (!recorder.is_none()) dy = recorder.attr("trace")(dy);
        py::object results = apply(rule, dy, needs, load(node, node->constants));
        if (!recorder.is_none()) results = recorder.attr("gradients")(results);
        if (!keep) free_node(node, rule);
        if (!PyTuple_Check(results.ptr())) {
            results = py::reinterpret_steal<py::object>(PySequence_Tuple(results.ptr()));
            if (!results) rethrow();
        }
        const Py_ssize_t n = std::min(PyTuple_GET_SIZE(results.ptr()), PyTuple_GET_SIZE(edges.ptr()));
        for (Py_ssize_t i = 0; i < n; ++i) {
            const py::handle d = PyTuple_GET_ITEM(results.ptr(), i), edge = PyTuple_GET_ITEM(edges.ptr(), i);
            if (d.is_none() || edge.is_none()) continue;
            if (!path.is_none() && PyTuple_GET_ITEM(needs.ptr(), i) != Py_True) continue;
            PyObject* prior = find(grads, edge);
            if (!prior) {
                put(grads, edge, d);
                if (is_node(edge)) reached.push(edge);
            } else if (own.count(edge.ptr()) && !is_parts(d)) {
                add_in_place(prior, d);
            } else {
                py::object total = py::reinterpret_steal<py::object>(PyNumber_Add(prior, d.ptr()));
                if (!total) rethrow();
                if (is_exact_array(total) || is_device_array(total)) own.insert(edge.ptr());
                put(grads, edge, total);
            }
        }
    }
}

} // namespace fastgrad::tape
