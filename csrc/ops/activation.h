// Activations that a kernel may apply as it stores: those whose gradient needs nothing but the
// result.
#pragma once

#include <cstdint>

namespace convnet {

enum class Activation : int32_t { linear, relu, sigmoid, tanh };

}  // namespace convnet
