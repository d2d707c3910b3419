#include "replay.hpp"

#include <cstring>

#include "../cpu/kernels.hpp"
#include "../cpu/threads.hpp"

namespace fastgrad {

long Replay::modules_changed = 0;

namespace {

using py::detail::array_proxy;

// Names that every call looks up, made once.
struct Name {
    PyObject* text;
    explicit Name(const char* name) : text(PyUnicode_InternFromString(name)) {}
};
struct Names {
    Name lr{"lr"}, momentum{"momentum"}, dampening{"dampening"}, weight_decay{"weight_decay"}, l1{"l1"},
        nesterov{"nesterov"}, maximize{"maximize"}, betas{"betas"}, eps{"eps"}, amsgrad{"amsgrad"},
        decoupled{"decoupled_weight_decay"}, params{"params"}, step{"step"}, param_groups{"param_groups"},
        state{"state"}, enabled{"enabled"}, counter{"counter"};
};
const Names& names() {
    static const Names& the = *new Names;
    return the;
}

// A new reference to an attribute, or a thrown Python error.
py::object attribute(py::handle object, const Name& name) {
    PyObject* found = PyObject_GetAttr(object.ptr(), name.text);
    if (!found) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(found);
}

PyObject* item(py::handle dict, const Name& key) { // borrowed
    PyObject* found = PyDict_GetItemWithError(dict.ptr(), key.text);
    if (!found) {
        if (!PyErr_Occurred()) PyErr_SetObject(PyExc_KeyError, key.text);
        throw py::error_already_set();
    }
    return found;
}

double number(PyObject* object) {
    if (PyFloat_CheckExact(object)) return PyFloat_AS_DOUBLE(object);
    const double value = PyFloat_AsDouble(object);
    if (value == -1 && PyErr_Occurred()) throw py::error_already_set();
    return value;
}

double number(py::handle dict, const Name& key) { return number(item(dict, key)); }

bool truth(PyObject* object) {
    const int yes = PyObject_IsTrue(object);
    if (yes < 0) throw py::error_already_set();
    return yes;
}

bool truth(py::handle dict, const Name& key) { return truth(item(dict, key)); }

long long integer(PyObject* object) {
    const long long value = PyLong_AsLongLong(object);
    if (value == -1 && PyErr_Occurred()) throw py::error_already_set();
    return value;
}

// Notes on a Version that its memory was changed.
py::object new_array(const py::dtype& dtype, const std::vector<Py_ssize_t>& shape, const Py_ssize_t* strides,
                     void* data, py::handle base) {
    auto& api = py::detail::npy_api::get();
    const int flags = data ? py::detail::npy_api::NPY_ARRAY_WRITEABLE_ : 0;
    auto array = py::reinterpret_steal<py::object>(
        api.PyArray_NewFromDescr_(api.PyArray_Type_, py::dtype(dtype).release().ptr(), int(shape.size()),
                                  reinterpret_cast<const Py_intptr_t*>(shape.data()),
                                  reinterpret_cast<const Py_intptr_t*>(strides), data, flags, nullptr));
    if (!array) throw py::error_already_set();
    if (data)
        api.PyArray_SetBaseObject_(array.ptr(), py::object(py::reinterpret_borrow<py::object>(base)).release().ptr());
    return array;
}

} // namespace

ArraySpec ArraySpec::of(const py::array& a) {
    return {a.dtype(), {a.shape(), a.shape() + a.ndim()}, {a.strides(), a.strides() + a.ndim()}};
}

bool ArraySpec::fits(PyObject* array) const {
    if (!py::detail::npy_api::get().PyArray_Check_(array)) return false;
    const auto* a = array_proxy(array);
    if (a->descr != dtype.ptr() && !py::reinterpret_borrow<py::dtype>(a->descr).equal(dtype)) return false;
    if (a->nd != int(shape.size())) return false;
    for (std::size_t i = 0; i < shape.size(); ++i)
        if (a->dimensions[i] != shape[i] || (shape[i] > 1 && a->strides[i] != strides[i])) return false;
    return reinterpret_cast<std::uintptr_t>(a->data) % std::size_t(dtype.alignment()) == 0;
}

bool Replay::fits(PyObject* const* arguments, Py_ssize_t count) const {
    if (count != Py_ssize_t(inputs.size())) return false;
    for (Py_ssize_t i = 0; i < count; ++i) {
        const Input& input = inputs[std::size_t(i)];
        PyObject* array = arguments[i];
        for (Py_ssize_t k = 0; k < i; ++k)
            if (arguments[k] == array) return false; // recorded for arguments that are all different
        if (input.is_tensor) {
            if (!PyObject_TypeCheck(array, reinterpret_cast<PyTypeObject*>(tape_.tensor.ptr()))) return false;
            PyObject* node = slot(array, tape_.node);
            if (holds(array, tape_.node, py::none()) == input.requires_grad) return false;
            // the result of an operation, or a gradient that is there already: refused where it is recorded
            if (input.requires_grad && (Py_TYPE(node) != reinterpret_cast<PyTypeObject*>(tape_.leaf.ptr()) ||
                                        !holds(array, tape_.grad, py::none())))
                return false;
            if (input.requires_grad) { // so is one whose gradient is used otherwise, too
                for (const Guard& g : guards)
                    if (g.checks_grad && g.tensor.ptr() == array) return false;
                for (const Effect& e : effects)
                    if (e.tensor.ptr() == array) return false;
            }
            array = slot(array, tape_.data);
        }
        if (!input.spec.fits(array)) return false;
    }
    return true;
}

bool Replay::reads_options(const Update& u) const {
    const Names& n = names();
    if (attribute(u.optimizer, n.param_groups).ptr() != u.groups.ptr() ||
        PyList_GET_SIZE(u.groups.ptr()) != u.group_count)
        return false;
    if (item(u.group, n.params) != u.params.ptr() || PyObject_Length(u.params.ptr()) != u.param_count) return false;
    if (u.adam) {
        if (truth(u.group, n.amsgrad) != u.amsgrad) return false;
        if (!(number(u.group, n.eps) >= 0)) return false;
        const py::handle betas = item(u.group, n.betas);
        if (!py::isinstance<py::tuple>(betas) || py::len(betas) != 2) return false;
        for (int i = 0; i < 2; ++i) {
            const double beta = number(PyTuple_GET_ITEM(betas.ptr(), i));
            if (!(beta >= 0 && beta < 1)) return false;
        }
    } else {
        const double momentum = number(u.group, n.momentum);
        if (!(momentum >= 0) || (momentum != 0) != u.stateful) return false;
        if (truth(u.group, n.nesterov) && (momentum == 0 || number(u.group, n.dampening) != 0)) return false;
    }
    // what the optimiser itself would refuse is left to it
    for (const Name* key : {&n.lr, &n.weight_decay, &n.l1})
        if (!(number(u.group, *key) >= 0)) return false;
    if (u.names.empty()) return true;
    if (attribute(u.optimizer, n.state).ptr() != u.state.ptr()) return false;
    long long later = 0;
    for (std::size_t i = 0; i < u.tensors.size(); ++i) {
        PyObject* state = PyDict_GetItem(u.state.ptr(), u.tensors[i].ptr());
        if (!state) return false;
        for (std::size_t k = 0; k < u.names.size(); ++k)
            if (PyDict_GetItem(state, u.names[k].ptr()) != u.buffers[i * u.names.size() + k].ptr()) return false;
        if (u.adam) {
            const long long ahead = integer(item(state, n.step)) + 1 - u.steps[i];
            if (i && ahead != later) return false;
            later = ahead;
        }
    }
    return true;
}

bool Replay::is_valid() {
    const Names& n = names();
    if (attribute(tape_.state, n.enabled).is(py::bool_(true)) != grad_enabled) return false;
    for (const Guard& g : guards) {
        if (!holds(g.tensor.ptr(), tape_.data, g.data) || !holds(g.tensor.ptr(), tape_.node, g.node)) return false;
        if (g.checks_grad && !holds(g.tensor.ptr(), tape_.grad, g.grad)) return false;
    }
    if (modules_version != modules_changed) {
        const long version = modules_changed;
        if (!surroundings.is_none() && !truth(surroundings().ptr())) return false;
        modules_version = version;
    }
    for (const Update& update : updates)
        if (!reads_options(update)) return false;
    return true;
}

// Commands work on arguments one after the other, as if nothing else lay in their memory.
void Replay::check_memory(PyObject* const* arguments) const {
    const auto range = [&](std::size_t i) -> Range {
        const auto* a = array_proxy(inputs[i].is_tensor ? slot(arguments[i], tape_.data) : arguments[i]);
        return {a->data, a->data + inputs[i].spec.bytes()};
    };
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const Range own = range(i);
        bool fails = false;
        for (const Range& other : inputs[i].is_written ? used : changed) fails |= own.overlaps(other);
        for (std::size_t k = 0; k < i; ++k)
            if (inputs[i].is_written || inputs[k].is_written) fails |= own.overlaps(range(k));
        if (fails)
            throw std::runtime_error(
                "a compiled function: argument " + std::to_string(i) +
                " shares memory with something else that the function uses, and the function changes it, expected "
                "memory of its own: x.clone()");
    }
}

// After is_valid: the options of this step, and random numbers that nobody had before.
void Replay::read_options() {
    const Names& n = names();
    for (Update& u : updates) {
        if (u.adam) {
            const py::handle betas = item(u.group, n.betas);
            PyObject* state = PyDict_GetItem(u.state.ptr(), u.tensors[0].ptr());
            const AdamOptions options{number(u.group, n.lr),
                                      number(PyTuple_GET_ITEM(betas.ptr(), 0)),
                                      number(PyTuple_GET_ITEM(betas.ptr(), 1)),
                                      number(u.group, n.eps),
                                      number(u.group, n.weight_decay),
                                      number(u.group, n.l1),
                                      truth(u.group, n.decoupled),
                                      truth(u.group, n.maximize),
                                      integer(item(state, n.step)) + 1 - u.steps[0]};
            for (void* to : u.destinations) *static_cast<AdamOptions*>(to) = options;
        } else {
            const SgdOptions options{number(u.group, n.lr),        number(u.group, n.momentum),
                                     number(u.group, n.dampening), number(u.group, n.weight_decay),
                                     number(u.group, n.l1),        truth(u.group, n.nesterov),
                                     truth(u.group, n.maximize)};
            for (void* to : u.destinations) *static_cast<SgdOptions*>(to) = options;
        }
    }
    for (Draw& draw : draws) {
        const auto counter = py::reinterpret_steal<py::tuple>(
            PyObject_CallMethodOneArg(draw.generator.ptr(), n.counter.text, draw.count.ptr()));
        if (!counter) throw py::error_already_set();
        const RandomCounter drawn{counter[0].cast<std::uint64_t>(), counter[1].cast<std::uint64_t>()};
        for (RandomCounter* to : draw.destinations) *to = drawn;
    }
}

// What a step leaves behind on the tape.
void Replay::finish(PyObject* const* arguments) {
    const Names& n = names();
    for (const Update& u : updates)
        if (u.adam)
            for (const py::object& tensor : u.tensors) {
                PyObject* state = PyDict_GetItem(u.state.ptr(), tensor.ptr());
                PyDict_SetItem(state, n.step.text, py::int_(integer(item(state, n.step)) + 1).ptr());
            }
    if (arguments)
        for (std::size_t i = 0; i < inputs.size(); ++i)
            if (inputs[i].is_tensor && inputs[i].is_written) count_of(slot(arguments[i], tape_.version_slot)) += 1;
    for (const Bump& bump : bumps) count_of(bump.version.ptr()) += bump.by;
    for (const Effect& effect : effects) {
        if (!arguments && effect.argument >= 0) continue;
        PyObject* tensor = effect.argument >= 0 ? arguments[effect.argument] : effect.tensor.ptr();
        PyObject*& grad = slot(tensor, tape_.grad);
        if (grad == effect.grad.ptr()) continue;
        PyObject* before = grad;
        grad = Py_NewRef(effect.grad.ptr());
        Py_XDECREF(before);
    }
}

std::unique_lock<std::mutex> Replay::lock() {
    std::unique_lock<std::mutex> own(busy_, std::try_to_lock);
    if (!own) {
        py::gil_scoped_release unlocked; // whoever has it may need the GIL to finish
        own.lock();
    }
    return own;
}

py::object Replay::wrap(py::object array) const {
    auto* type = reinterpret_cast<PyTypeObject*>(tape_.tensor.ptr());
    auto tensor = py::reinterpret_steal<py::object>(type->tp_alloc(type, 0));
    if (!tensor) throw py::error_already_set();
    PyObject* version = PyObject_CallNoArgs(tape_.version.ptr());
    if (!version) throw py::error_already_set();
    slot(tensor.ptr(), tape_.data) = array.release().ptr();
    slot(tensor.ptr(), tape_.version_slot) = version;
    return tensor;
}

PyObject* Replay::make_output(const Output& o, PyObject* const* arguments,
                              const std::vector<py::object>& memory) const {
    if (o.argument >= 0) return Py_NewRef(arguments[o.argument]);
    if (o.fresh < 0) return py::object(o.object).release().ptr();
    py::object array = memory[std::size_t(o.fresh)];
    if (!o.is_whole) {
        char* begin = static_cast<char*>(array_proxy(array.ptr())->data);
        array = new_array(o.spec.dtype, o.spec.shape, o.spec.strides.data(), begin + o.offset, array);
    }
    return (o.is_tensor ? wrap(std::move(array)) : array).release().ptr();
}

PyObject* Replay::call(PyObject* const* arguments, Py_ssize_t count) {
    if (!fits(arguments, count)) return nullptr;
    const auto own = lock();
    if (!fits(arguments, count) || !is_valid()) return nullptr; // again: another thread may have run meanwhile
    check_memory(arguments);
    read_options();
    std::vector<py::object> memory; // of the results
    memory.reserve(fresh.size());
    for (std::size_t i = 0; i < fresh.size(); ++i) {
        const Fresh& f = fresh[i];
        const Output* whole = nullptr;
        for (const Output& o : outputs)
            if (o.fresh == int(i) && o.is_whole) whole = &o;
        memory.push_back(whole ? new_array(whole->spec.dtype, whole->spec.shape, nullptr, nullptr, {})
                               : new_array(py::dtype::of<std::uint8_t>(), {f.bytes}, nullptr, nullptr, {}));
        if (f.movable >= 0) program.point(std::size_t(f.movable), array_proxy(memory.back().ptr())->data);
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const Input& input = inputs[i];
        if (!input.is_used) continue;
        PyObject* array = input.is_tensor ? slot(arguments[i], tape_.data) : arguments[i];
        const auto* a = array_proxy(array);
        if (input.movable >= 0) {
            program.point(std::size_t(input.movable), a->data);
        } else {
            std::memcpy(input.memory, a->data, input.spec.bytes());
        }
    }
    program.run();
    for (std::size_t i = 0; i < fresh.size(); ++i)
        if (fresh[i].movable < 0)
            std::memcpy(array_proxy(memory[i].ptr())->data, fresh[i].memory, std::size_t(fresh[i].bytes));
    for (std::size_t i = 0; i < inputs.size(); ++i)
        if (inputs[i].is_written && inputs[i].movable < 0) {
            PyObject* array = inputs[i].is_tensor ? slot(arguments[i], tape_.data) : arguments[i];
            std::memcpy(array_proxy(array)->data, inputs[i].memory, inputs[i].spec.bytes());
        }
    finish(arguments);
    if (single) return make_output(outputs[0], arguments, memory);
    auto result = py::reinterpret_steal<py::object>(PyTuple_New(Py_ssize_t(outputs.size())));
    for (std::size_t i = 0; i < outputs.size(); ++i)
        PyTuple_SET_ITEM(result.ptr(), Py_ssize_t(i), make_output(outputs[i], arguments, memory));
    return (rebuild.is_none() ? result : rebuild(result)).release().ptr();
}

Py_ssize_t Replay::epoch(const std::vector<py::array>& arrays, const py::array& order, Py_ssize_t batch,
                         Py_ssize_t begin, Py_ssize_t end, const std::vector<py::array>& results) {
    const auto own = lock();
    const auto* rows = static_cast<const std::int64_t*>(order.data());
    std::vector<py::object> gathered; // one batch of every argument
    std::vector<char*> to;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const Input& input = inputs[i];
        gathered.push_back(input.movable < 0 ? py::object(py::none())
                                             : new_array(input.spec.dtype, input.spec.shape, nullptr, nullptr, {}));
        to.push_back(input.movable < 0 ? input.memory : static_cast<char*>(array_proxy(gathered[i].ptr())->data));
        if (input.is_used && input.movable >= 0) program.point(std::size_t(input.movable), to[i]);
    }
    for (Py_ssize_t s = begin; s < end; ++s) {
        if (PyErr_CheckSignals()) throw py::error_already_set();
        if (!is_valid()) return s - begin;
        read_options();
        for (std::size_t i = 0; i < inputs.size(); ++i) {
            if (!inputs[i].is_used) continue;
            const Py_ssize_t bytes = arrays[i].nbytes() / (arrays[i].shape(0) ? arrays[i].shape(0) : 1);
            const char* from = static_cast<const char*>(arrays[i].data());
            const std::int64_t* index = rows + s * batch;
            char* target = to[i];
            const int tasks = tasks_for(double(batch) * double(bytes) / 8);
            parallel_for(tasks, [&](int task) {
                for (Py_ssize_t r = batch * task / tasks; r < batch * (task + 1) / tasks; ++r)
                    std::memcpy(target + r * bytes, from + index[r] * bytes, std::size_t(bytes));
            });
        }
        for (std::size_t i = 0; i < fresh.size(); ++i)
            if (fresh[i].movable >= 0)
                program.point(std::size_t(fresh[i].movable),
                              static_cast<char*>(const_cast<void*>(results[i].data())) + s * fresh[i].bytes);
        program.run();
        for (std::size_t i = 0; i < fresh.size(); ++i)
            if (fresh[i].movable < 0)
                std::memcpy(static_cast<char*>(const_cast<void*>(results[i].data())) + s * fresh[i].bytes,
                            fresh[i].memory, std::size_t(fresh[i].bytes));
        finish(nullptr);
    }
    return end - begin;
}

} // namespace fastgrad
