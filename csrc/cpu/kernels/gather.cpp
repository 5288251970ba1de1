// Batch assembly: rows of the user's arrays [n][features] become lanes [feature][16], and results
// go back to rows.
#include "ops/gather.h"

#include <type_traits>

#include "cpu/kernels/rows.h"
#include "cpu/kernels/tail.h"

namespace convnet::CONVNET_ISA {

namespace {

// n numbers of a row.
template <class T>
CONVNET_INLINE Vec numbers(const T* row, int64_t n) {
  if constexpr (std::is_same_v<T, float>) return load_some(row, n);
  float all[kWidth] = {};
  if (n == kWidth) {
    for (int64_t i = 0; i < kWidth; ++i) all[i] = static_cast<float>(row[i]);
  } else {
    for (int64_t i = 0; i < n; ++i) all[i] = static_cast<float>(row[i]);
  }
  return load(all);
}

template <class T>
void gather_rows(const KernelArgs& a, const Feed& feed, const GatherParams& p) {
  const StepInfo& step = *a.step;
  const auto row_of = [&](int64_t i) {
    return reinterpret_cast<const T*>(feed.data + (step.order ? step.order[i] : step.first + i) *
                                                      feed.row_bytes);
  };
  if (a.lanes == 1) {
    const int64_t end = least(a.end * p.block, p.features);
    for (int64_t i = 0; i < a.shard_count; ++i) {
      const T* row = row_of(a.shards[i]);
      float* out = a.f32(0) + (p.group ? a.shards[i] * a.stride[0] : 0);
      for (int64_t f = a.begin * p.block; f < end; ++f) out[f] = static_cast<float>(row[f]);
    }
    return;
  }
  const int64_t first = a.first(a.shard()), live = a.live(a.shard());
  const T* row[kLanes];
  for (int64_t l = 0; l < kLanes; ++l)
    row[l] = row_of(first + (l < live ? l : 0));  // dead lanes repeat the first sample
  to_lanes(
      a.begin * p.block, least(a.end * p.block, p.features),
      [&](int lane, int64_t f, int64_t n) { return numbers(row[lane] + f, n); }, a.f32(0));
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
  char* rows = feed.data + (a.step->first + a.first(a.shard())) * feed.row_bytes;
  from_lanes(begin, end, x, [&](int lane, int64_t f, int64_t n, Vec values) {
    if (lane < live)
      store_some(reinterpret_cast<float*>(rows + lane * feed.row_bytes) + f, n, values);
  });
}

}  // namespace convnet::CONVNET_ISA
