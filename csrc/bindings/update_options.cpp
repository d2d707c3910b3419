// What a program reads anew at every call: the options of its optimisers, and random numbers that nobody had before.
#include "../fastgrad/kernels.hpp"
#include "names.hpp"
#include "replay.hpp"

namespace fastgrad {
namespace {

// Each reads the options of a group, and says whether the commands are the ones for them. What the optimiser itself
// would refuse is left to it.

bool read(const Replay::Update& u, SgdOptions& o) {
    const Names& n = names();
    o = {number(u.group, n.lr),           number(u.group, n.momentum), number(u.group, n.dampening),
         number(u.group, n.weight_decay), number(u.group, n.l1),       truth(u.group, n.nesterov),
         truth(u.group, n.maximize)};
    if (o.nesterov && (o.momentum == 0 || o.dampening != 0)) return false;
    return o.lr >= 0 && o.momentum >= 0 && o.weight_decay >= 0 && o.l1 >= 0 && (o.momentum != 0) == u.stateful;
}

bool read(const Replay::Update& u, AdamOptions& o) {
    const Names& n = names();
    const py::handle betas = item(u.group, n.betas);
    if (!py::isinstance<py::tuple>(betas) || py::len(betas) != 2) return false;
    o = {number(u.group, n.lr),
         number(PyTuple_GET_ITEM(betas.ptr(), 0)),
         number(PyTuple_GET_ITEM(betas.ptr(), 1)),
         number(u.group, n.eps),
         number(u.group, n.weight_decay),
         number(u.group, n.l1),
         truth(u.group, n.decoupled),
         truth(u.group, n.maximize),
         0};
    if (truth(u.group, n.amsgrad) != u.amsgrad) return false;
    return o.lr >= 0 && o.beta1 >= 0 && o.beta1 < 1 && o.beta2 >= 0 && o.beta2 < 1 && o.eps >= 0 &&
           o.weight_decay >= 0 && o.l1 >= 0;
}

// Whether the state of the parameters is where it was; `later` is how many steps later it is than when recorded.
bool has_state(const Replay::Update& u, std::int64_t& later) {
    const Names& n = names();
    if (u.names.empty()) return true;
    if (attribute(u.optimizer, n.state).ptr() != u.state.ptr()) return false;
    for (std::size_t i = 0; i < u.tensors.size(); ++i) {
        PyObject* state = PyDict_GetItem(u.state.ptr(), u.tensors[i].ptr());
        if (!state) return false;
        for (std::size_t k = 0; k < u.names.size(); ++k)
            if (PyDict_GetItem(state, u.names[k].ptr()) != u.buffers[i * u.names.size() + k].ptr()) return false;
        if (u.adam) {
            const std::int64_t ahead = integer(item(state, n.step)) + 1 - u.steps[i];
            if (i && ahead != later) return false;
            later = ahead;
        }
    }
    return true;
}

template <class Options> void write(const Replay::Update& u, const Options& options) {
    for (void* to : u.destinations) *static_cast<Options*>(to) = options;
}

} // namespace

bool Replay::reads_options(const Update& u) {
    const Names& n = names();
    if (attribute(u.optimizer, n.param_groups).ptr() != u.groups.ptr() ||
        PyList_GET_SIZE(u.groups.ptr()) != u.group_count)
        return false;
    if (item(u.group, n.params) != u.params.ptr() || PyObject_Length(u.params.ptr()) != u.param_count) return false;
    std::int64_t later = 0;
    if (u.adam) {
        AdamOptions options;
        if (!read(u, options) || !has_state(u, later)) return false;
        options.later = later;
        write(u, options);
    } else {
        SgdOptions options;
        if (!read(u, options) || !has_state(u, later)) return false;
        write(u, options);
    }
    return true;
}

void Replay::draw() {
    for (Draw& draw : draws) {
        // Generator.counter() without Python, which would let handlers of signals in.
        const RandomCounter drawn{attribute(draw.generator, names().seed).cast<std::uint64_t>(),
                                  attribute(draw.generator, names().offset).cast<std::uint64_t>()};
        const py::int_ next(drawn.offset + draw.count); // from 0 again after the last number
        if (PyObject_SetAttr(draw.generator.ptr(), names().offset.text, next.ptr())) throw py::error_already_set();
        for (RandomCounter* to : draw.destinations) *to = drawn;
    }
}

} // namespace fastgrad
