#pragma once

#include "cuda/backend.h"

namespace convnet::cuda {

// Makes `step` the next one of the chunk: the first work of every step, on the device, so that a
// recorded step serves for all.
void begin_step(Chunk* chunk, Step* step, Stream stream);

}  // namespace convnet::cuda
