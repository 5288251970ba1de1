#include "cuda/begin_step.h"

#include "cuda/launch.h"

namespace convnet::cuda {

namespace {

__global__ void advance(Chunk* chunk, Step* step) {
  const int64_t i = chunk->steps++;
  step->seed = chunk->seed;
  step->step = chunk->step + static_cast<uint64_t>(i) * chunk->step_stride;
  step->first = i * chunk->batch;
  step->rows = chunk->rows;
  step->hyper = chunk->hyper + i * chunk->hyper_count;
}

}  // namespace

void begin_step(Chunk* chunk, Step* step, Stream stream) {
  launch(advance, 1, 1, stream, chunk, step);
}

}  // namespace convnet::cuda
