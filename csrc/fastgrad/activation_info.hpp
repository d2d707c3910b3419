// What a caller needs to know of an activation without its mathematics.
#pragma once

namespace fastgrad {

enum class Reads { nothing, output, input }; // what a derivative is computed from

template <class V> struct Parameters {
    V a, b; // in the order of ActivationInfo::parameters; unused ones are 0
};

struct BoundActivation { // an activation with its parameters; index -1 is the identity
    int index = -1;
    Parameters<double> parameters{};
    Reads reads = Reads::nothing;
};

enum class Domain { finite, finite_nonzero, not_nan };

struct ParameterInfo {
    const char *name, *doc;
    double value; // the default
    Domain domain;
};

struct ActivationInfo {
    const char* name;       // the function, and the string in Linear(..., activation=name)
    const char* module;     // the nn class
    const char* formula;    // y, as Python
    const char* derivative; // dy/dx, as Python
    const char* source;
    int parameter_count;
    ParameterInfo parameters[2];
};

} // namespace fastgrad
