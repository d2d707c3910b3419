// The classes of the tape's objects: their attributes, and how they come and go.
#include "objects.hpp"

#include <cstddef>
#include <cstring>

#include <structmember.h>

namespace fastgrad::tape {

Classes classes{};
Names names{};
PyTypeObject* device_array = nullptr;

namespace {

template <class T> int visit_type(T* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    return 0;
}

// Frees `self` of the type it has, and the reference that objects of a class made at run time hold on it.
template <class T> void free_object(T* self) {
    PyTypeObject* type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

void version_dealloc(PyObject* o) {
    Py_XDECREF(as<Version>(o)->aliases);
    free_object(o);
}

PyObject* value_new(PyTypeObject* type, PyObject*, PyObject*) {
    PyObject* o = type->tp_alloc(type, 0);
    if (o) {
        Value* self = as<Value>(o); // None, not null: the interpreter reads such attributes faster
        self->grad = py::none().release().ptr();
        self->node = py::none().release().ptr();
        self->base = py::none().release().ptr();
    }
    return o;
}
int value_traverse(PyObject* o, visitproc visit, void* arg) {
    Value* self = as<Value>(o);
    Py_VISIT(self->data);
    Py_VISIT(self->grad);
    Py_VISIT(self->node);
    Py_VISIT(self->version);
    Py_VISIT(self->base);
    return visit_type(self, visit, arg);
}
int value_clear(PyObject* o) {
    Value* self = as<Value>(o);
    Py_CLEAR(self->data);
    Py_CLEAR(self->grad);
    Py_CLEAR(self->node);
    Py_CLEAR(self->version);
    Py_CLEAR(self->base);
    return 0;
}
void value_dealloc(PyObject* o) {
    PyObject_GC_UnTrack(o);
    Py_TRASHCAN_BEGIN(o, value_dealloc) // a chain of tensors must not go by recursion
        if (as<Value>(o)->weakrefs) PyObject_ClearWeakRefs(o);
    value_clear(o);
    free_object(o);
    Py_TRASHCAN_END
}

int leaf_init(PyObject* o, PyObject* args, PyObject* keywords) {
    PyObject* tensor = nullptr;
    static const char* keys[] = {"tensor", nullptr};
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O", const_cast<char**>(keys), &tensor)) return -1;
    PyObject* reference = PyWeakref_NewRef(tensor, nullptr);
    if (!reference) return -1;
    Py_XSETREF(as<Leaf>(o)->tensor, reference);
    return 0;
}
int leaf_traverse(PyObject* o, visitproc visit, void* arg) {
    Leaf* self = as<Leaf>(o);
    Py_VISIT(self->tensor);
    Py_VISIT(self->hooks);
    Py_VISIT(self->post_hooks);
    return visit_type(self, visit, arg);
}
int leaf_clear(PyObject* o) {
    Leaf* self = as<Leaf>(o);
    Py_CLEAR(self->tensor);
    Py_CLEAR(self->hooks);
    Py_CLEAR(self->post_hooks);
    return 0;
}
void leaf_dealloc(PyObject* o) {
    PyObject_GC_UnTrack(o);
    leaf_clear(o);
    free_object(o);
}

int node_traverse(PyObject* o, visitproc visit, void* arg) {
    Node* self = as<Node>(o);
    Py_VISIT(self->rule);
    Py_VISIT(self->constants);
    Py_VISIT(self->edges);
    Py_VISIT(self->hooks);
    return visit_type(self, visit, arg); // versions refer to nothing that could refer back
}
int node_clear(PyObject* o) {
    Node* self = as<Node>(o);
    Py_CLEAR(self->rule);
    Py_CLEAR(self->constants);
    Py_CLEAR(self->edges);
    Py_CLEAR(self->hooks);
    Py_CLEAR(self->label);
    const Py_ssize_t n = std::exchange(self->saved_count, 0);
    for (Py_ssize_t i = 0; i < n; ++i) Py_CLEAR(self->saved[i].version);
    if (self->saved != self->few) PyMem_Free(self->saved);
    self->saved = self->few;
    return 0;
}
void node_dealloc(PyObject* o) {
    PyObject_GC_UnTrack(o);
    Py_TRASHCAN_BEGIN(o, node_dealloc) if (as<Node>(o)->weakrefs) PyObject_ClearWeakRefs(o);
    node_clear(o);
    free_object(o);
    Py_TRASHCAN_END
}

#define FASTGRAD_MEMBER(T, field, flags) {#field, T_OBJECT, offsetof(T, field), flags, nullptr}
#define FASTGRAD_REQUIRED(T, field) {#field, T_OBJECT_EX, offsetof(T, field), 0, nullptr}
#define FASTGRAD_WEAKREFS(T) {"__weaklistoffset__", T_PYSSIZET, offsetof(T, weakrefs), READONLY, nullptr}

PyMemberDef version_members[] = {
    {"count", T_PYSSIZET, offsetof(Version, count), 0, nullptr}, FASTGRAD_MEMBER(Version, aliases, 0), {}};
PyMemberDef value_members[] = {FASTGRAD_REQUIRED(Value, data),
                               FASTGRAD_MEMBER(Value, grad, 0),
                               FASTGRAD_MEMBER(Value, node, 0),
                               FASTGRAD_REQUIRED(Value, version),
                               FASTGRAD_MEMBER(Value, base, 0),
                               FASTGRAD_WEAKREFS(Value),
                               {}};
PyMemberDef leaf_members[] = {
    FASTGRAD_MEMBER(Leaf, tensor, READONLY), FASTGRAD_MEMBER(Leaf, hooks, 0), FASTGRAD_MEMBER(Leaf, post_hooks, 0), {}};
PyMemberDef node_members[] = {{"order", T_LONGLONG, offsetof(Node, order), READONLY, nullptr},
                              FASTGRAD_MEMBER(Node, rule, READONLY),
                              FASTGRAD_MEMBER(Node, edges, READONLY),
                              FASTGRAD_MEMBER(Node, label, READONLY),
                              FASTGRAD_MEMBER(Node, hooks, 0),
                              FASTGRAD_WEAKREFS(Node),
                              {}};

template <class F> void* slot(F* function) { return reinterpret_cast<void*>(function); }
void* text(const char* doc) { return const_cast<char*>(doc); }

PyType_Slot version_slots[] = {
    {Py_tp_doc, text("How often a piece of memory was changed; shared by all tensors that see it.\n\n"
                     "`aliases` are the views of it (weakly), to be told when its history changes.")},
    {Py_tp_dealloc, slot(version_dealloc)},
    {Py_tp_members, version_members},
    {0, nullptr}};
PyType_Slot value_slots[] = {
    {Py_tp_doc, text("The part of a tensor that the tape sees.\n\n"
                     "Attributes\n----------\n"
                     "data : ndarray\n    The values.\n"
                     "grad : Tensor or None\n    What backward passes have summed up for a leaf.\n"
                     "node : Node, Leaf or None\n    Where its gradient goes; None if it requires no gradient.\n"
                     "version : Version\n    The changes of its memory, shared with views.\n"
                     "base : Tensor or None\n    The tensor it is a view of.")},
    {Py_tp_new, slot(value_new)},
    {Py_tp_dealloc, slot(value_dealloc)},
    {Py_tp_traverse, slot(value_traverse)},
    {Py_tp_clear, slot(value_clear)},
    {Py_tp_members, value_members},
    {0, nullptr}};
PyType_Slot leaf_slots[] = {{Py_tp_doc, text("Where the gradient of a tensor ends that requires one and is not the "
                                             "result of an operation.")},
                            {Py_tp_init, slot(leaf_init)},
                            {Py_tp_dealloc, slot(leaf_dealloc)},
                            {Py_tp_traverse, slot(leaf_traverse)},
                            {Py_tp_clear, slot(leaf_clear)},
                            {Py_tp_members, leaf_members},
                            {0, nullptr}};
PyType_Slot node_slots[] = {{Py_tp_doc, text("One recorded operation.")},
                            {Py_tp_dealloc, slot(node_dealloc)},
                            {Py_tp_traverse, slot(node_traverse)},
                            {Py_tp_clear, slot(node_clear)},
                            {Py_tp_members, node_members},
                            {0, nullptr}};

PyTypeObject* make_class(py::module_& m, const char* name, std::size_t size, unsigned flags, PyType_Slot* slots) {
    PyType_Spec spec{name, int(size), 0, Py_TPFLAGS_DEFAULT | flags, slots};
    PyObject* type = PyType_FromSpec(&spec);
    if (!type) rethrow();
    m.attr(std::strrchr(name, '.') + 1) = py::handle(type);
    return reinterpret_cast<PyTypeObject*>(type);
}

} // namespace

Value* new_value() {
    PyObject* o = value_new(classes.value, nullptr, nullptr);
    if (!o) rethrow();
    return as<Value>(o);
}

void make_classes(py::module_& m) {
    constexpr unsigned base = Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC;
    classes.version = make_class(m, "fastgrad._tape.Version", sizeof(Version), 0, version_slots);
    classes.value_base = make_class(m, "fastgrad._tape.Value", sizeof(Value), base, value_slots);
    classes.leaf_base = make_class(m, "fastgrad._tape.Leaf", sizeof(Leaf), base, leaf_slots);
    classes.node_base = make_class(m, "fastgrad._tape.Node", sizeof(Node), base, node_slots);
    classes.value = classes.value_base;
    classes.node = classes.node_base;
    names.data = PyUnicode_InternFromString("data");
    names.grad = PyUnicode_InternFromString("grad");
    names.base = PyUnicode_InternFromString("base");
    names.dtype = PyUnicode_InternFromString("dtype");
    names.size = PyUnicode_InternFromString("size");
    names.popitem = PyUnicode_InternFromString("popitem");
    names.qualname = PyUnicode_InternFromString("__qualname__");
}

} // namespace fastgrad::tape
