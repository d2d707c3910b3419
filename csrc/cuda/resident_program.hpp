// What the kernel of a chain of layers is told to do: plain data, which travels as the kernel's arguments.
//
// A row buffer holds a value of the chain (x, z, y or a gradient) for the rows that a block works on, in shared memory.
#pragma once

#include "launch.hpp"

namespace fastgrad::cuda {

constexpr int resident_threads = 256;
constexpr int most_operations = 44, most_updates = 7; // arguments of a kernel have 4 KB
constexpr int widest_layer = 128;

// The row stride of a buffer: fragments are aligned, and neighbouring rows begin in different banks.
__host__ __device__ constexpr int padded(int width) { return (width + 3) / 4 * 4; }
__host__ __device__ constexpr int row_stride(int width) {
    return padded(width) % 32 == 0 ? padded(width) + 4 : padded(width);
}

template <class T> struct Operation {
    enum Kind : std::int8_t {
        load,     // to (k) = memory
        multiply, // to (n) = from (k) wᵀ + b, w (n, k) in memory
        activate, // to (n) = f(from)
        derive,   // to (n) = to f'(from)
        loss,     // to (n) = the gradient of the loss, or nothing; the scores are from
        update,   // the gradients' sums: of w (n, k), and of b; dz is to, x is from
        store     // memory = from (n)
    };
    Kind kind;
    std::int8_t reads;   // of an activation
    std::int16_t number; // of an activation, or of an update
    int n, k;
    int to, from;      // places of buffers: how many numbers each row has before them; -1: none
    int rows, columns; // strides of memory
    T* memory;
    union {
        const T* b;                    // of multiply
        Parameters<double> parameters; // of an activation
    };
};

enum class ResidentLoss { none, classes, pointwise };

template <class T> struct ResidentProgram {
    Size m;
    Operation<T> operations[most_operations];
    int count;
    ResidentLoss loss;
    T* loss_value;
    union {
        CrossEntropy<T> classes;
        PointwiseLoss<T> pointwise;
    };
    T* sums;                   // per block: the gradients of all updates
    double* loss_sums;         // of all blocks, and then what their sum is divided by
    const double* denominator; // of the loss, if it is known before; or null
    bool is_alone;             // the only block: it finishes the loss
};

// A parameter, as SGD and Adam need it.
template <class T> struct Updated {
    T *p, *state[3];
    std::int64_t step;
    bool first;
};

template <class T> struct ResidentUpdates {
    struct Layer {
        Updated<T> w, b;
        bool transposed, is_adam;
        int n, k;
        int begin; // of its gradients among those of all layers: as w lies in memory, then b
        union {
            Latest<SgdOptions> sgd;
            Latest<AdamOptions> adam;
        };
    };
    Layer layers[most_updates];
    int count, total; // total: numbers of all gradients
    bool is_at_once;  // the only block applies them too
};

static_assert(sizeof(ResidentProgram<double>) + sizeof(ResidentUpdates<double>) <= 4096);

} // namespace fastgrad::cuda
