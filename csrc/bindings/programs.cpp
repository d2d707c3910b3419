// The programs of a function.
#include "programs.hpp"

#include "module.hpp"
#include "replay.hpp"

#include <pybind11/stl.h>

namespace fastgrad {
namespace {

// The programs that a function has for one kind of arguments, the one used last first.
class Programs {
  public:
    Programs() = default;
    Programs(const Programs&) = delete;
    Programs& operator=(const Programs&) = delete;

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

    Caller caller{[](void* self, PyObject* arguments) { return static_cast<Programs*>(self)->call(arguments); }, this};

  private:
    std::vector<std::shared_ptr<Replay>> programs_;
};

} // namespace

void bind_program_lists(py::module_& m) {
    py::class_<Programs, std::shared_ptr<Programs>>(m, "Programs", py::module_local(),
                                                    "The programs for one kind of arguments.")
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
            "Runs a program for a tuple of arguments, or NotImplemented; also while another thread records.")
        .def_property_readonly("_caller", [](Programs& p) { return py::capsule(&p.caller, Caller::name); });
}

} // namespace fastgrad
