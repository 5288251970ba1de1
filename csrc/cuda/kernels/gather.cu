// Batch assembly: rows of arrays in device memory, in the order of the step, and results back to
// rows.
#include "cuda/launch.h"
#include "ops/gather.h"

namespace convnet::cuda {

namespace {

template <class T>
__global__ void gather_rows(const Step* step, int32_t feed, float* out, int64_t samples,
                            int64_t features) {
  const Rows from = step->rows[feed];
  const T* rows = reinterpret_cast<const T*>(from.data);
  each_element(samples * features, [&](int64_t i) {
    const int64_t sample = step->first + i / features;
    const int64_t row = from.order ? from.order[sample] : sample;
    out[i] = static_cast<float>(rows[row * features + i % features]);
  });
}

__global__ void scatter_rows(const Step* step, int32_t feed, const float* x, int64_t samples,
                             int64_t features, bool whole) {
  float* rows = reinterpret_cast<float*>(step->rows[feed].data);
  each_element(samples * features, [&](int64_t i) {
    const int64_t row = whole ? 0 : step->first + i / features;
    rows[row * features + i % features] = x[i];
  });
}

template <class T>
void gather_as(const Call& a, const GatherParams& p) {
  launch(gather_rows<T>, blocks_for(a.samples * p.features), kThreads, a.stream, a.step, p.feed,
         a.f32(0), a.samples, p.features);
}

}  // namespace

void gather(const Call& a) {
  const auto& p = a.as<GatherParams>();
  switch (a.feeds[p.feed].type) {
    case FeedType::f32:
      return gather_as<float>(a, p);
    case FeedType::f64:
      return gather_as<double>(a, p);
    case FeedType::u8:
      return gather_as<uint8_t>(a, p);
    case FeedType::i8:
      return gather_as<int8_t>(a, p);
    case FeedType::i16:
      return gather_as<int16_t>(a, p);
    case FeedType::u16:
      return gather_as<uint16_t>(a, p);
    case FeedType::i32:
      return gather_as<int32_t>(a, p);
    case FeedType::u32:
      return gather_as<uint32_t>(a, p);
    case FeedType::i64:
      return gather_as<int64_t>(a, p);
    case FeedType::u64:
      return gather_as<uint64_t>(a, p);
    case FeedType::boolean:
      return gather_as<bool>(a, p);
  }
}

void scatter(const Call& a) {
  const auto& p = a.as<GatherParams>();
  launch(scatter_rows, blocks_for(a.samples * p.features), kThreads, a.stream, a.step, p.feed,
         static_cast<const float*>(a.f32(0)), a.samples, p.features, p.whole);
}

}  // namespace convnet::cuda
