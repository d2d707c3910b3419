// Activations in the kernels of a GPU.
#pragma once

#include "grid.hpp"

#include "../fastgrad/vecmath.hpp"

#include "../fastgrad/activate.hpp"
