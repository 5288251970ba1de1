#include "cpu/uniform.h"

#include <functional>

#include "core/thread_pool.h"
#include "cpu/dispatch.h"

namespace convnet {

namespace {
constexpr int64_t kLeastShared = 1 << 18;  // numbers: some tenth of a millisecond of one thread
}  // namespace

void fill_uniform(float* out, int64_t n, const uint64_t (&key)[2], float scale, float offset) {
  const Uniform draw{out, n, {key[0], key[1]}, scale, offset};
  const int64_t units = (n + kUniformUnit - 1) / kUniformUnit;
  const int threads = n < kLeastShared ? 1 : num_threads();
  const std::function<void(int)> part = [&](int thread) {
    kernels().uniform(draw, units * thread / threads, units * (thread + 1) / threads);
  };
  if (threads == 1 || !ThreadPool::instance().try_run(threads, part))
    kernels().uniform(draw, 0, units);
}

}  // namespace convnet
