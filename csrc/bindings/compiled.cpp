// How a call of a compiled function finds its program.
#include "fastcall.hpp"
#include "module.hpp"
#include "replay.hpp"

#include <optional>

#include <pybind11/stl.h>

namespace fastgrad {
namespace {

long recordings = 0; // in progress: a call may belong to one, which only Python can tell

// The programs that a function has for one kind of arguments, the one used last first.
class Programs {
  public:
    void add(std::shared_ptr<Replay> replay, std::size_t most) {
        programs_.insert(programs_.begin(), std::move(replay));
        if (programs_.size() > most) programs_.pop_back();
    }
    const std::vector<std::shared_ptr<Replay>>& list() const { return programs_; }

    // The result, or null without a Python error if there is no program for this call.
    PyObject* call(PyObject* arguments) {
        PyObject* const* items = reinterpret_cast<PyTupleObject*>(arguments)->ob_item;
        for (std::size_t i = 0; i < programs_.size(); ++i) {
            const std::shared_ptr<Replay> replay = programs_[i]; // the list may change while it runs
            PyObject* result = replay->call(items, PyTuple_GET_SIZE(arguments));
            if (!result) continue;
            if (i > 0 && i < programs_.size() && programs_[i] == replay) std::swap(programs_[i], programs_[0]);
            return result;
        }
        return nullptr;
    }

  private:
    std::vector<std::shared_ptr<Replay>> programs_;
};

// What Python's class of compiled functions builds on: a call that fits a program never reaches Python.
struct Compiled {
    std::shared_ptr<Programs> plain; // for arguments that are arrays and nothing else; or null
};

// Calls self._call(args, kwargs) where there is no program. A slot of the type: the machinery of a bound method would
// take longer than a small program.
PyObject* call_compiled(PyObject* self, PyObject* args, PyObject* kwargs) {
    try {
        const py::handle object(self);
        if (!recordings && (!kwargs || PyDict_GET_SIZE(kwargs) == 0)) {
            auto* instance = reinterpret_cast<py::detail::instance*>(self);
            auto* compiled = static_cast<Compiled*>(instance->simple_value_holder[0]);
            if (const std::shared_ptr<Programs> plain = compiled ? compiled->plain : nullptr)
                if (PyObject* result = plain->call(args)) return result;
        }
        const auto arguments = py::reinterpret_borrow<py::object>(args);
        const py::object options = kwargs ? py::reinterpret_borrow<py::object>(kwargs) : py::dict();
        return object.attr("_call")(arguments, options).release().ptr();
    } catch (...) { raise_in_python(); }
    return nullptr;
}

} // namespace

void bind_compiled(py::module_& m) {
    py::class_<Programs, std::shared_ptr<Programs>>(m, "Programs", "The programs for one kind of arguments.")
        .def(py::init<>())
        .def("add", &Programs::add, py::arg("program"), py::arg("most"))
        .def("list", [](const Programs& p) { return p.list(); })
        .def(
            "call",
            [](Programs& p, const py::tuple& arguments) {
                PyObject* result = p.call(arguments.ptr());
                return result ? py::reinterpret_steal<py::object>(result)
                              : py::reinterpret_borrow<py::object>(Py_NotImplemented);
            },
            py::arg("arguments"),
            "Runs a program for a tuple of arguments, or NotImplemented; also while another thread records.");
    py::class_<Compiled>(m, "Compiled",
                         py::custom_type_setup([](PyHeapTypeObject* type) { type->ht_type.tp_call = &call_compiled; }),
                         "What calls programs, or self._call(args, kwargs) if none fits.")
        .def(py::init<>())
        .def(
            "_call_first",
            [](Compiled& c, std::optional<std::shared_ptr<Programs>> programs) {
                c.plain = programs.value_or(nullptr);
            },
            py::arg("programs"));
    m.def("_recordings", [](long change) { return recordings += change; }, py::arg("change"));
}

} // namespace fastgrad
