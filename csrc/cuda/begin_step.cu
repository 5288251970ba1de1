#include "cuda/begin_step.h"

#include "cuda/launch.h"

namespace convnet::cuda {

namespace {

__global__ void advance(Run* run, Step* step) {
  const int64_t i = run->steps++;
  step->seed = run->seed;
  step->step = run->step + static_cast<uint64_t>(i) * run->step_stride;
  step->first = i * run->batch;
  step->order = run->order ? run->order + step->first : nullptr;
  step->hyper = run->hyper + i * run->hyper_count;
}

}  // namespace

void begin_step(Run* run, Step* step, Stream stream) { launch(advance, 1, 1, stream, run, step); }

}  // namespace convnet::cuda
