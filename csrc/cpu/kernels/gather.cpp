// Batch assembly: rows of the user's arrays [n][features] become lanes [feature][16], and results
// go back to rows.
#include "ops/gather.h"

#include "cpu/kernels/index.h"

namespace convnet::CONVNET_ISA {

namespace {

template <class T>
void gather_rows(const KernelArgs& a, const Feed& feed, const GatherParams& p) {
  const StepInfo& step = *a.step;
  if (a.lanes == 1) {
    const int64_t i = a.shard(), end = least(a.end * p.block, p.features);
    const T* row = reinterpret_cast<const T*>(
        feed.data + (step.order ? step.order[i] : step.first + i) * feed.row_bytes);
    for (int64_t f = a.begin * p.block; f < end; ++f) a.f32(0)[f] = static_cast<float>(row[f]);
    return;
  }
  const int64_t first = a.shard() * kLanes, live = a.live(a.shard());
  const T* row[kLanes];
  for (int64_t l = 0; l < kLanes; ++l) {
    const int64_t i = first + (l < live ? l : 0);  // dead lanes repeat the first sample
    row[l] = reinterpret_cast<const T*>(feed.data + (step.order ? step.order[i] : step.first + i) *
                                                        feed.row_bytes);
  }
  const int64_t end = least(a.end * p.block, p.features);
  float* out = a.f32(0);
  for (int64_t f = a.begin * p.block; f < end; ++f)
    for (int64_t l = 0; l < kLanes; ++l) out[f * kLanes + l] = static_cast<float>(row[l][f]);
}

}  // namespace

void gather(const KernelArgs& a) {
  const auto& p = a.as<GatherParams>();
  const Feed& feed = a.step->feeds[p.feed];
  switch (feed.type) {
    case FeedType::f32:
      return gather_rows<float>(a, feed, p);
    case FeedType::f64:
      return gather_rows<double>(a, feed, p);
    case FeedType::u8:
      return gather_rows<uint8_t>(a, feed, p);
    case FeedType::i8:
      return gather_rows<int8_t>(a, feed, p);
    case FeedType::i16:
      return gather_rows<int16_t>(a, feed, p);
    case FeedType::u16:
      return gather_rows<uint16_t>(a, feed, p);
    case FeedType::i32:
      return gather_rows<int32_t>(a, feed, p);
    case FeedType::u32:
      return gather_rows<uint32_t>(a, feed, p);
    case FeedType::i64:
      return gather_rows<int64_t>(a, feed, p);
    case FeedType::u64:
      return gather_rows<uint64_t>(a, feed, p);
    case FeedType::boolean:
      return gather_rows<bool>(a, feed, p);
  }
}

void scatter(const KernelArgs& a) {
  const auto& p = a.as<GatherParams>();
  const Feed& feed = a.step->feeds[p.feed];
  const int64_t begin = a.begin * p.block, end = least(a.end * p.block, p.features);
  const float* x = a.f32(0);
  if (a.lanes == 1) {
    const int64_t row = p.whole ? 0 : a.step->first + a.shard();
    float* y = reinterpret_cast<float*>(feed.data + row * feed.row_bytes);
    for (int64_t f = begin; f < end; ++f) y[f] = x[f];
    return;
  }
  const int64_t live = a.live(a.shard());
  for (int64_t l = 0; l < live; ++l) {
    float* row = reinterpret_cast<float*>(feed.data + (a.step->first + a.shard() * kLanes + l) *
                                                          feed.row_bytes);
    for (int64_t f = begin; f < end; ++f) row[f] = x[f * kLanes + l];
  }
}

}  // namespace convnet::CONVNET_ISA
