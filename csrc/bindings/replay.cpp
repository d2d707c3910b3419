#include "replay.hpp"

#include "names.hpp"

namespace fastgrad {

namespace {

char* memory_of(py::handle array) { return static_cast<char*>(const_cast<void*>(array_of(array).data())); }

} // namespace

ArraySpec ArraySpec::of(const Array& a) {
    return {a.dtype(), {a.shape(), a.shape() + a.ndim()}, {a.strides(), a.strides() + a.ndim()}};
}

bool ArraySpec::fits(py::handle object) const {
    if (!is_array(object)) return false;
    const Array& a = array_of(object);
    if (!is_here(a)) return false;
    if (!has_dtype(a, dtype) || a.ndim() != Py_ssize_t(shape.size())) return false;
    for (std::size_t i = 0; i < shape.size(); ++i)
        if (a.shape()[i] != shape[i] || (shape[i] > 1 && a.strides()[i] != strides[i])) return false;
    return reinterpret_cast<std::uintptr_t>(a.data()) % std::size_t(dtype.alignment()) == 0;
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

bool Replay::is_valid() {
    if (!runner.is_here()) return false;
    const Names& n = names();
    if (attribute(tape_.state, n.enabled).is(py::bool_(true)) != grad_enabled) return false;
    if (precision && !attribute(tape_.state, n.precision).is(precision)) return false;
    for (const Guard& g : guards) {
        if (!holds(g.tensor.ptr(), tape_.data, g.data) || !holds(g.tensor.ptr(), tape_.node, g.node)) return false;
        if (g.checks_grad && !holds(g.tensor.ptr(), tape_.grad, g.grad)) return false;
    }
    if (modules_version != shared().modules_changed) {
        const long version = shared().modules_changed;
        if (!surroundings.is_none() && !truth(surroundings().ptr())) return false;
        modules_version = version;
    }
    for (const Update& update : updates)
        if (!reads_options(update)) return false;
    return true;
}

// Commands work on arguments one after the other, as if nothing else lay in their memory.
void Replay::check_memory() const {
    const auto range = [&](std::size_t i) -> Range { return {given_[i], given_[i] + inputs[i].spec.bytes()}; };
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

Replay::Turn::Turn(Replay& replay) : replay_(replay) {
    if (replay.owner_ == std::this_thread::get_id())
        throw std::runtime_error("a compiled function: called while this thread is running it, by the handler of a "
                                 "signal or by a finalizer, expected a call after it");
    own_ = std::unique_lock(replay.busy_, std::try_to_lock);
    if (!own_) {
        has_waited_ = true;
        py::gil_scoped_release unlocked; // whoever has it may need the GIL to finish
        own_.lock();
    }
    replay.owner_ = std::this_thread::get_id();
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
    if (!o.is_whole) array = view_of(array, o.spec.dtype, o.spec.shape, o.spec.strides, o.offset);
    return (o.is_tensor ? wrap(std::move(array)) : array).release().ptr();
}

PyObject* Replay::call(PyObject* const* arguments, Py_ssize_t count) {
    if (!fits(arguments, count)) return nullptr;
    const Turn turn(*this);
    if (turn.has_waited() && !fits(arguments, count)) return nullptr; // again: another thread has run meanwhile
    if (!is_valid()) return nullptr;
    given_.clear();
    for (std::size_t i = 0; i < inputs.size(); ++i) given_.push_back(memory_of(array_of_argument(arguments, i)));
    check_memory();
    begin_call(program_name);
    runner.begin();
    draw();
    std::vector<py::object> memory; // of the results
    memory.reserve(fresh.size());
    for (std::size_t i = 0; i < fresh.size(); ++i) {
        const Output* whole = nullptr;
        for (const Output& o : outputs)
            if (o.fresh == int(i) && o.is_whole) whole = &o;
        memory.push_back(whole ? empty_array(whole->spec.dtype, whole->spec.shape)
                               : empty_array(py::dtype::of<std::uint8_t>(), {fresh[i].bytes}));
        runner.send(fresh[i], memory_of(memory.back()));
    }
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (!inputs[i].is_used) continue;
        runner.bring(inputs[i].place, given_[i]);
        if (inputs[i].is_written && !inputs[i].place.is_pointed()) runner.send(inputs[i].place, given_[i]);
    }
    runner.run();
    finish(arguments);
    if (single) return make_output(outputs[0], arguments, memory);
    auto result = py::reinterpret_steal<py::object>(PyTuple_New(Py_ssize_t(outputs.size())));
    for (std::size_t i = 0; i < outputs.size(); ++i)
        PyTuple_SET_ITEM(result.ptr(), Py_ssize_t(i), make_output(outputs[i], arguments, memory));
    return (rebuild.is_none() ? result : rebuild(result)).release().ptr();
}

} // namespace fastgrad
