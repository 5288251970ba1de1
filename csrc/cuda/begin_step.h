#pragma once

#include "cuda/backend.h"

namespace convnet::cuda {

// Makes `step` the next one of the run: the first work of every step, on the device, so that a
// recorded step serves for all.
void begin_step(Run* run, Step* step, Stream stream);

}  // namespace convnet::cuda
