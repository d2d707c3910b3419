// How a call of a compiled function finds its program.
#include "fastcall.hpp"
#include "module.hpp"
#include "programs.hpp"

namespace fastgrad {
namespace {

long recordings = 0; // in progress: a call may belong to one, which only Python can tell

// What Python's class of compiled functions builds on: a call that fits a program never reaches Python.
struct Compiled {
    py::object plain = py::none(); // Programs, for arguments that are arrays and nothing else; of either device
    const Caller* caller = nullptr;
};

// Calls self._call(args, kwargs) where there is no program. A slot of the type: the machinery of a bound method would
// take longer than a small program.
PyObject* call_compiled(PyObject* self, PyObject* args, PyObject* kwargs) {
    try {
        const py::handle object(self);
        if (!recordings && (!kwargs || PyDict_GET_SIZE(kwargs) == 0)) {
            auto* instance = reinterpret_cast<py::detail::instance*>(self);
            auto* compiled = static_cast<Compiled*>(instance->simple_value_holder[0]);
            if (const Caller* caller = compiled ? compiled->caller : nullptr) {
                const py::object kept = compiled->plain; // another one may come while it runs
                if (PyObject* result = caller->call(caller->programs, args)) return result;
            }
        }
        const auto arguments = py::reinterpret_borrow<py::object>(args);
        const py::object options = kwargs ? py::reinterpret_borrow<py::object>(kwargs) : py::dict();
        return object.attr("_call")(arguments, options).release().ptr();
    } catch (...) { raise_in_python(); }
    return nullptr;
}

} // namespace

void bind_compiled(py::module_& m) {
    py::class_<Compiled>(m, "Compiled",
                         py::custom_type_setup([](PyHeapTypeObject* type) { type->ht_type.tp_call = &call_compiled; }),
                         "What calls programs, or self._call(args, kwargs) if none fits.")
        .def(py::init<>())
        .def(
            "_call_first",
            [](Compiled& c, const py::object& programs) {
                c.caller = nullptr;
                c.plain = programs;
                if (!programs.is_none()) c.caller = caller_of(programs);
            },
            py::arg("programs"));
    m.def(
        "_modules_changed", [] { ++shared().modules_changed; }, "Says that a module or a hook changed, came or went.");
    m.attr("_shared") = py::capsule(&shared(), Shared::name);
    m.def("_recordings", [](long change) { return recordings += change; }, py::arg("change"));
}

} // namespace fastgrad
