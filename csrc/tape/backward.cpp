// Where a pass starts, and how what arrives at the leaves is added to their gradients.
#include "backward.hpp"

#include <mutex>

namespace fastgrad::tape {
namespace {

PyObject *quiet_variable = nullptr, *quiet_value = nullptr;
std::mutex accumulating;

// numpy does not warn of overflow and invalid values while this lives: as in torch, inf and nan are results.
class Quiet {
  public:
    Quiet() {
        PyObject* token = PyContextVar_Set(quiet_variable, quiet_value);
        if (!token) rethrow();
        token_ = py::reinterpret_steal<py::object>(token);
    }
    Quiet(const Quiet&) = delete;
    Quiet& operator=(const Quiet&) = delete;
    ~Quiet() {
        if (PyContextVar_Reset(quiet_variable, token_.ptr())) PyErr_Clear();
    }

  private:
    py::object token_;
};

// Let go of the GIL while another thread adds; a finalizer that runs while this thread adds, and goes backward itself,
// must not wait for it.
class Accumulating {
  public:
    Accumulating() {
        if (held()++) return;
        if (accumulating.try_lock()) return;
        py::gil_scoped_release unlocked;
        accumulating.lock();
    }
    Accumulating(const Accumulating&) = delete;
    Accumulating& operator=(const Accumulating&) = delete;
    ~Accumulating() {
        if (--held() == 0) accumulating.unlock();
    }

  private:
    static int& held() {
        static thread_local int count = 0;
        return count;
    }
};

py::object referent(PyObject* reference) {
#if PY_VERSION_HEX >= 0x030D0000
    PyObject* o = nullptr;
    if (PyWeakref_GetRef(reference, &o) < 0) rethrow();
    return py::reinterpret_steal<py::object>(o);
#else
    return py::reinterpret_borrow<py::object>(PyWeakref_GetObject(reference));
#endif
}

// As below, for an array on another device.
bool is_device_array_alone(py::handle array) {
    if (Py_REFCNT(array.ptr()) != 1) return false;
    const py::object base = attribute(array, names.base);
    if (base.is_none()) return true;
    return is_device_array(base) && Py_REFCNT(base.ptr()) == 2 && // the array's and this one
           attribute(base, names.size).equal(attribute(array, names.size));
}

// Whether nobody but the caller, who holds one reference, holds the memory of `array`.
bool is_alone(py::handle array) {
    if (is_device_array(array)) return is_device_array_alone(array);
    const auto* g = py::detail::array_proxy(array.ptr());
    if (Py_REFCNT(array.ptr()) != 1 || !(g->flags & py::detail::npy_api::NPY_ARRAY_WRITEABLE_)) return false;
    if (!g->base) return true;
    // All of an array that only this view holds, as after a reshape.
    return is_exact_array(g->base) && Py_REFCNT(g->base) == 1 &&
           py::reinterpret_borrow<py::array>(g->base).size() == py::reinterpret_borrow<py::array>(array).size();
}

// Null for what is no array.
py::object dtype_of(const py::object& array) {
    if (is_device_array(array)) return attribute(array, names.dtype);
    if (!is_exact_array(array)) return {};
    return py::reinterpret_borrow<py::object>(py::detail::array_proxy(array.ptr())->descr);
}

} // namespace

Arrived pop(py::handle grads) {
    const py::object item = py::reinterpret_steal<py::object>(PyObject_CallMethodNoArgs(grads.ptr(), names.popitem));
    if (!item) rethrow();
    PyTupleObject* pair = as<PyTupleObject>(item); // taken apart, so that it holds the gradient no longer
    Arrived a{py::reinterpret_steal<py::object>(std::exchange(pair->ob_item[0], py::none().release().ptr())),
              py::reinterpret_steal<py::object>(std::exchange(pair->ob_item[1], py::none().release().ptr())), false};
    if (is_exact_array(a.gradient) || is_device_array(a.gradient)) a.alone = is_alone(a.gradient);
    else a.gradient = engine("as_array")(a.gradient);
    return a;
}

void accumulate(py::handle tensor, py::object g, bool alone) {
    const Accumulating lock;
    if (alone && attribute(tensor, names.grad).is_none()) {
        const py::object data = attribute(tensor, names.data);
        if (const py::object dtype = dtype_of(g);
            dtype && Py_TYPE(data.ptr()) == Py_TYPE(g.ptr()) && dtype_of(data).is(dtype)) {
            set_attribute(tensor, names.grad, wrap(g));
            return;
        }
    }
    engine("add_gradient")(tensor, g, alone);
}

py::object seed(py::handle tensor) {
    if (!PyObject_TypeCheck(tensor.ptr(), classes.value_base)) return py::none();
    Value* t = as<Value>(tensor);
    const py::object node = load(t, t->node), data = attribute(tensor, names.data);
    if (is_none(node) || !is_exact_array(data)) return py::none();
    const auto* array = py::detail::array_proxy(data.ptr());
    for (int i = 0; i < array->nd; ++i)
        if (array->dimensions[i] != 1) return py::none();
    const auto* dtype = py::detail::array_descriptor_proxy(array->descr);
    const bool single = dtype->type_num == py::detail::npy_api::NPY_FLOAT_;
    if (dtype->byteorder != '=' || !(single || dtype->type_num == py::detail::npy_api::NPY_DOUBLE_)) return py::none();
    const py::detail::npy_api& numpy = py::detail::npy_api::get();
    const py::object one = py::reinterpret_steal<py::object>(numpy.PyArray_NewFromDescr_(
        numpy.PyArray_Type_, Py_NewRef(array->descr), array->nd, array->dimensions, nullptr, nullptr, 0, nullptr));
    py::object grads = py::reinterpret_steal<py::object>(PyDict_New());
    if (!one || !grads) rethrow();
    char* memory = py::detail::array_proxy(one.ptr())->data;
    if (single) *reinterpret_cast<float*>(memory) = 1;
    else *reinterpret_cast<double*>(memory) = 1;
    put(grads, node, one);
    return grads;
}

void backward(py::handle grads, bool keep) {
    const Quiet quiet;
    sweep(grads, keep, py::none(), py::none());
    while (PyDict_GET_SIZE(grads.ptr())) {
        Arrived a = pop(grads);
        Leaf* leaf = as<Leaf>(a.leaf);
        if (const py::object hooks = load(leaf, leaf->hooks); !is_none(hooks)) {
            a.gradient = engine("run_hooks")(hooks, a.gradient);
            a.alone = false;
        }
        const py::object tensor = referent(leaf->tensor);
        if (is_none(tensor)) continue;
        accumulate(tensor, std::move(a.gradient), a.alone);
        if (const py::object hooks = load(leaf, leaf->post_hooks); !is_none(hooks))
            engine("run_post_hooks")(hooks, tensor);
    }
}

void set_quiet(py::handle variable, py::handle value) {
    Py_XSETREF(quiet_variable, variable.inc_ref().ptr());
    Py_XSETREF(quiet_value, value.inc_ref().ptr());
}

void lock_accumulation() {
    if (accumulating.try_lock()) return;
    py::gil_scoped_release unlocked;
    accumulating.lock();
}
void unlock_accumulation() { accumulating.unlock(); }

} // namespace fastgrad::tape
