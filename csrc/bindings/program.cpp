// Programs as Python builds and calls them (fastgrad/program/build.py).
#include "arrays.hpp"
#include "module.hpp"
#include "replay.hpp"

#include <structmember.h> // PyMemberDef, before Python 3.12

#include <pybind11/stl.h>

namespace fastgrad {
namespace {

class PythonCommand final : public Command {
  public:
    explicit PythonCommand(py::object function) : Command(0), function_(std::move(function)) {}
    void run() override { function_(); }
    bool needs_python() const override { return true; }

  private:
    py::object function_;
};

Tape& tape() {
    static Tape& the = *new Tape; // never destroyed: it holds Python objects
    return the;
}

Py_ssize_t offset_of(const py::object& type, const char* name) {
    const py::object descriptor = type.attr(name);
    if (Py_TYPE(descriptor.ptr()) != &PyMemberDescr_Type)
        throw py::type_error(std::string("bind_tape(): '") + name + "' is not a slot of the given class");
    return reinterpret_cast<PyMemberDescrObject*>(descriptor.ptr())->d_member->offset;
}

void bind_tape(py::object tensor, py::object value, py::object version, py::object leaf, py::object state) {
    tape() = {std::move(tensor),
              version,
              std::move(leaf),
              std::move(state),
              offset_of(value, "data"),
              offset_of(value, "grad"),
              offset_of(value, "node"),
              offset_of(value, "version"),
              offset_of(version, "count")};
}

void add_input(Replay& r, const py::object& array, bool is_tensor, bool requires_grad, bool is_used, bool is_movable,
               bool is_written) {
    const Array& a = as_array("add_input", "array", array);
    Runner::Place place;
    if (is_used) place = r.runner.place(a, is_movable);
    if (is_used && !place.is_pointed()) r.program.keep(array);
    r.inputs.push_back({is_tensor, requires_grad, ArraySpec::of(a), place, is_used, is_written});
}

int add_fresh(Replay& r, const py::object& array, bool is_movable) {
    r.fresh.push_back(r.runner.place(as_array("add_fresh", "array", array), is_movable));
    if (!r.fresh.back().is_pointed()) r.program.keep(array);
    return int(r.fresh.size()) - 1;
}

// A result in fresh memory number `fresh`, whose recorded array is `base`.
void add_output(Replay& r, int fresh, const py::object& base, const py::object& array, bool is_tensor) {
    const Array &memory = as_array("add_output", "base", base), &a = as_array("add_output", "array", array);
    const bool is_whole = a.data() == memory.data() && a.nbytes() == memory.nbytes() && is_c_contiguous(a);
    const Size offset = static_cast<const char*>(a.data()) - static_cast<const char*>(memory.data());
    r.outputs.push_back({fresh, -1, py::none(), is_tensor, is_whole, offset, ArraySpec::of(a)});
}

std::vector<void*> options_of(Replay& r, const std::vector<std::size_t>& commands) {
    std::vector<void*> found;
    for (const std::size_t i : commands)
        r.program.command(i).each_options([&](void* options, std::size_t) { found.push_back(options); });
    return found;
}

void add_update(Replay& r, const py::object& optimizer, const py::dict& group, bool adam,
                const std::vector<std::size_t>& commands, const std::vector<py::object>& tensors,
                const std::vector<py::object>& names, const std::vector<py::object>& buffers,
                const std::vector<long long>& steps) {
    Replay::Update u;
    u.optimizer = optimizer, u.groups = optimizer.attr("param_groups"), u.group_count = Py_ssize_t(py::len(u.groups));
    u.group = group, u.params = group["params"], u.param_count = Py_ssize_t(py::len(u.params));
    u.adam = adam, u.stateful = !names.empty(), u.amsgrad = names.size() == 3;
    u.destinations = options_of(r, commands);
    if (adam)
        for (void* options : u.destinations) r.runner.advances(&static_cast<AdamOptions*>(options)->later, 1);
    u.state = optimizer.attr("state"), u.tensors = tensors, u.names = names, u.buffers = buffers, u.steps = steps;
    r.updates.push_back(std::move(u));
}

void add_draw(Replay& r, py::object generator, std::uint64_t count, const std::vector<std::size_t>& commands) {
    Replay::Draw draw{std::move(generator), count, {}};
    for (void* options : options_of(r, commands)) draw.destinations.push_back(static_cast<RandomCounter*>(options));
    r.draws.push_back(std::move(draw));
}

// After the last draw: how far each generator goes on in a run.
void finish_draws(Replay& r) {
    for (const Replay::Draw& draw : r.draws) {
        std::uint64_t all = 0;
        for (const Replay::Draw& other : r.draws)
            if (other.generator.is(draw.generator)) all += other.count;
        for (RandomCounter* counter : draw.destinations) r.runner.advances(&counter->offset, std::int64_t(all));
    }
}

} // namespace

void bind_programs(py::module_& m) {
    py::class_<Replay, std::shared_ptr<Replay>>(m, "Program", py::module_local(),
                                                "Commands that run natively, and how a call reaches them.")
        .def(py::init([] { return std::make_shared<Replay>(tape()); }))
        .def("__len__", [](Replay& r) { return r.program.size(); })
        .def(
            "build",
            [](Replay& r, const py::function& make) {
                Building building(r.program);
                make();
            },
            py::arg("make"), "Calls make(); the kernels that it calls become commands.")
        .def(
            "team",
            [](Replay& r, std::size_t begin, std::size_t end, const std::vector<py::object>& kept) {
                std::vector<const void*> places;
                for (const py::object& array : kept) places.push_back(as_array("team", "kept", array).data());
                r.program.team(begin, end, places);
            },
            py::arg("begin"), py::arg("end"), py::arg("kept"),
            "Lets commands begin .. end be run together; the last call for a program's end comes first. `kept` are "
            "arrays "
            "that they write and others read.")
        .def(
            "add_python",
            [](Replay& r, py::object function) { r.program.add(std::make_unique<PythonCommand>(std::move(function))); },
            py::arg("function"))
        .def(
            "keep", [](Replay& r, py::object object) { r.program.keep(std::move(object)); }, py::arg("object"))
        .def("add_input", &add_input, py::arg("array"), py::arg("is_tensor"), py::arg("requires_grad"),
             py::arg("is_used"), py::arg("is_movable"), py::arg("is_written"))
        .def("add_fresh", &add_fresh, py::arg("array"), py::arg("is_movable"))
        .def("add_output", &add_output, py::arg("fresh"), py::arg("base"), py::arg("array"), py::arg("is_tensor"))
        .def(
            "add_object",
            [](Replay& r, py::object object) { r.outputs.push_back({-1, -1, std::move(object), false, false, 0, {}}); },
            py::arg("object"))
        .def(
            "add_argument",
            [](Replay& r, int argument) { r.outputs.push_back({-1, argument, py::none(), false, false, 0, {}}); },
            py::arg("argument"))
        .def(
            "add_guard",
            [](Replay& r, py::object tensor, py::object data, py::object node, bool checks_grad, py::object grad) {
                r.guards.push_back({std::move(tensor), std::move(data), std::move(node), checks_grad, std::move(grad)});
            },
            py::arg("tensor"), py::arg("data"), py::arg("node"), py::arg("checks_grad"), py::arg("grad"))
        .def(
            "add_memory",
            [](Replay& r, std::uintptr_t address, std::size_t bytes, bool is_changed) {
                const auto* begin = reinterpret_cast<const char*>(address);
                r.used.push_back({begin, begin + bytes});
                if (is_changed) r.changed.push_back(r.used.back());
            },
            py::arg("address"), py::arg("bytes"), py::arg("is_changed"))
        .def("add_update", &add_update, py::arg("optimizer"), py::arg("group"), py::arg("adam"), py::arg("commands"),
             py::arg("tensors"), py::arg("names"), py::arg("buffers"), py::arg("steps"))
        .def("add_draw", &add_draw, py::arg("generator"), py::arg("count"), py::arg("commands"))
        .def("finish_draws", &finish_draws, "After the last add_draw.")
        .def(
            "add_bump", [](Replay& r, py::object version, long by) { r.bumps.push_back({std::move(version), by}); },
            py::arg("version"), py::arg("by"))
        .def(
            "add_effect",
            [](Replay& r, py::object tensor, int argument, py::object grad) {
                r.effects.push_back({std::move(tensor), argument, std::move(grad)});
            },
            py::arg("tensor"), py::arg("argument"), py::arg("grad"))
        .def_readwrite("grad_enabled", &Replay::grad_enabled)
        .def(
            "require_precision", [](Replay& r, py::object precision) { r.precision = std::move(precision); },
            py::arg("precision"), "What `state.precision` has to be.")
        .def_readwrite("single", &Replay::single)
        .def_readwrite("rebuild", &Replay::rebuild)
        .def_readwrite("surroundings", &Replay::surroundings)
        .def(
            "epoch",
            [](Replay& r, const std::vector<py::object>& arrays, const py::object& order, Py_ssize_t batch,
               Py_ssize_t begin, Py_ssize_t end,
               const std::vector<py::object>& results) { return r.epoch(arrays, order, batch, begin, end, results); },
            py::arg("arrays"), py::arg("order"), py::arg("batch"), py::arg("begin"), py::arg("end"), py::arg("results"),
            "Runs steps begin .. end on rows order[s * batch ...] of the arrays; returns how many were done.");
    m.def("_bind_tape", &bind_tape, py::arg("tensor"), py::arg("value"), py::arg("version"), py::arg("leaf"),
          py::arg("state"), "Tells programs the tape's classes.");
}

} // namespace fastgrad
