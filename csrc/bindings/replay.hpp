// A program and what a call of it needs of Python: which arguments fit it, what has to be unchanged, where results go.
#pragma once

#include <mutex>
#include <thread>
#include <vector>

#include "shared.hpp"

#ifdef FASTGRAD_ON_CUDA
#include "run_cupy.hpp"
#else
#include "run_numpy.hpp"
#endif

namespace fastgrad {

// Where the tape's classes keep what replay reads and writes at every call: offsets of slots instead of look-ups.
struct Tape {
    py::object tensor, version, leaf, state; // the classes Tensor, Version and Leaf, and the switch of autograd.mode
    Py_ssize_t data, grad, node, version_slot, count; // the last of a Version
};

constexpr const char* program_name = "a compiled function"; // in errors

// The memory of an argument or result; null if it is not as a program was recorded for.
struct ArraySpec {
    py::dtype dtype;
    std::vector<Py_ssize_t> shape, strides;

    static ArraySpec of(const Array& a);
    bool fits(py::handle array) const;
    bool fits_rows_of(const Array& table, Py_ssize_t batch) const; // in C order
    Py_ssize_t bytes() const {
        Py_ssize_t n = dtype.itemsize();
        for (const Py_ssize_t size : shape) n *= size;
        return n;
    }
};

class Replay {
  public:
    explicit Replay(const Tape& tape) : tape_(tape) {}

    Program program;
    Runner runner{program};

    struct Input {
        bool is_tensor, requires_grad;
        ArraySpec spec;
        Runner::Place place;
        bool is_used, is_written;
    };
    struct Output {
        int fresh;    // number of its memory, or -1: the object is what is returned
        int argument; // or the number of the argument that is returned, or -1
        py::object object;
        bool is_tensor, is_whole; // all of the fresh memory, in order
        Py_ssize_t offset;
        ArraySpec spec;
    };
    struct Guard {
        py::object tensor, data, node;
        bool checks_grad;
        py::object grad; // what .grad is before the call
    };
    struct Update {                   // the options of an optimiser's group, and where its commands read them
        py::object optimizer, groups; // the list that param_groups has to be still
        Py_ssize_t group_count;
        py::dict group;
        py::object params;
        Py_ssize_t param_count;
        bool adam;
        bool stateful, amsgrad;          // as recorded
        std::vector<void*> destinations; // SgdOptions or AdamOptions
        py::dict state;                  // of the optimiser
        std::vector<py::object> tensors; // with state
        std::vector<py::object> names;
        std::vector<py::object> buffers; // names.size() per tensor
        std::vector<long long> steps;    // Adam: what the commands were built with
    };
    struct Draw {
        py::object generator;
        std::uint64_t count;
        std::vector<RandomCounter*> destinations;
    };
    struct Bump {
        py::object version;
        long by;
    };
    struct Range { // of memory
        const char *begin, *end;
        bool overlaps(const Range& other) const { // which no empty range does
            return begin < end && other.begin < other.end && begin < other.end && other.begin < end;
        }
    };
    struct Effect { // what becomes of a .grad
        py::object tensor;
        int argument;    // instead of tensor, or -1
        py::object grad; // a Tensor, or None
    };

    std::vector<Input> inputs;
    std::vector<Runner::Place> fresh; // memory made anew for every call, for results
    std::vector<Output> outputs;
    std::vector<Guard> guards;
    std::vector<Update> updates;
    std::vector<Draw> draws;
    std::vector<Bump> bumps;
    std::vector<Effect> effects;
    std::vector<Range> used;    // the memory of tensors that were there before
    std::vector<Range> changed; // that of them which commands change
    bool grad_enabled = true;
    py::object precision;                 // that products were recorded with; null where they have but one
    long modules_version = -1;            // when modules and hooks were last found as recorded
    py::object surroundings = py::none(); // called then: whether modules and hooks are as recorded
    py::object rebuild = py::none();      // puts the tuple of all outputs into the structure that the function returned
    bool single = false;                  // the result is the only output, not a tuple

    // The result of a call, or null without a Python error if the program is not one for these arguments now.
    PyObject* call(PyObject* const* arguments, Py_ssize_t count);

    // Steps begin .. end of an epoch: rows order[s * batch ...] of every array; results go to row s of `results`.
    // Returns how many steps were done; fewer if the program fits no more. Looks for signals between steps.
    Py_ssize_t epoch(const std::vector<py::object>& arrays, const py::object& order, Py_ssize_t batch, Py_ssize_t begin,
                     Py_ssize_t end, const std::vector<py::object>& results);

  private:
    // Whether all is as it was recorded but for the arguments; reads the options of updates by the way.
    bool is_valid();
    static bool reads_options(const Update& update);
    void draw(); // random numbers, once it is sure that the program runs
    bool fits(PyObject* const* arguments, Py_ssize_t count) const;
    bool fits_epoch(const std::vector<py::object>& arrays, Py_ssize_t batch,
                    const std::vector<py::object>& results) const;
    void check_memory() const;
    void finish(PyObject* const* arguments);
    PyObject* make_output(const Output& output, PyObject* const* arguments,
                          const std::vector<py::object>& memory) const;
    py::object wrap(py::object array) const;
    py::handle array_of_argument(PyObject* const* arguments, std::size_t i) const {
        return inputs[i].is_tensor ? slot(arguments[i], tape_.data) : arguments[i];
    }
    // A field of an object; null counts as None.
    static PyObject*& slot(PyObject* object, Py_ssize_t offset) {
        return *reinterpret_cast<PyObject**>(reinterpret_cast<char*>(object) + offset);
    }
    Py_ssize_t& count_of(PyObject* version) const {
        return *reinterpret_cast<Py_ssize_t*>(reinterpret_cast<char*>(version) + tape_.count);
    }
    static bool holds(PyObject* object, Py_ssize_t offset, const py::object& value) {
        PyObject* held = slot(object, offset);
        return held == value.ptr() || (!held && value.is_none());
    }

    // Held by whoever runs the program. All but waiting happens with the GIL.
    class Turn {
      public:
        explicit Turn(Replay& replay);
        ~Turn() { replay_.owner_ = {}; }
        Turn(const Turn&) = delete;
        Turn& operator=(const Turn&) = delete;
        bool has_waited() const { return has_waited_; }

      private:
        Replay& replay_;
        bool has_waited_ = false;
        std::unique_lock<std::mutex> own_;
    };

    const Tape& tape_;
    std::vector<char*> given_; // the memory of the arguments of the call that has its turn
    std::mutex busy_;
    std::thread::id owner_;
};

} // namespace fastgrad
