// Sums over samples: columns of a matrix of rows. Rows are dealt to threads and blocks by shapes
// alone, so that the order of additions is.
#include "ops/sums.h"

#include "cuda/block.h"
#include "ops/batch.h"

namespace convnet::cuda {

namespace {

constexpr int64_t kRowsOfSlice = 1024;

// A block takes 32 columns of a slice of the rows; 8 threads share a column.
__global__ void sum_columns(const float* x, float* out, int64_t rows, int64_t columns,
                            int64_t slice, float divisor) {
  __shared__ float sums[kThreads / 32][33];
  const int64_t column = int64_t{blockIdx.x} * 32 + threadIdx.x % 32;
  const int64_t begin = int64_t{blockIdx.y} * slice;
  const int64_t end = begin + slice < rows ? begin + slice : rows;
  float sum = 0;
  if (column < columns)
    for (int64_t row = begin + threadIdx.x / 32; row < end; row += kThreads / 32)
      sum += x[row * columns + column];
  sums[threadIdx.x / 32][threadIdx.x % 32] = sum;
  __syncthreads();
  if (threadIdx.x >= 32 || column >= columns) return;
  for (int i = 1; i < kThreads / 32; ++i) sum += sums[i][threadIdx.x];
  out[blockIdx.y * columns + column] = sum / divisor;
}

int64_t slices(int64_t rows) { return std::max<int64_t>(1, div_up(rows, kRowsOfSlice)); }

void sum_rows(const Call& a, const float* x, float* out, int64_t rows, int64_t columns,
              float divisor) {
  if (columns == 0) return;
  const auto width = static_cast<unsigned>(div_up(columns, 32));
  const int64_t count = slices(rows);
  float* parts = count > 1 ? static_cast<float*>(a.scratch) : out;
  launch(sum_columns, dim3(width, static_cast<unsigned>(count)), dim3(kThreads), a.stream, x, parts,
         rows, columns, kRowsOfSlice, count > 1 ? 1.0f : divisor);
  if (count > 1)
    launch(sum_columns, dim3(width), dim3(kThreads), a.stream, static_cast<const float*>(parts),
           out, count, columns, count, divisor);
}

size_t scratch(int64_t rows, int64_t columns) {
  return slices(rows) > 1 ? static_cast<size_t>(slices(rows) * columns) * sizeof(float) : 0;
}

struct Summands {
  const float* data[24];
};

__global__ void add_all(Summands in, float* out, int64_t n, int count) {
  each_element(n, [&](int64_t i) {
    float sum = in.data[0][i];
    for (int k = 1; k < count; ++k) sum += in.data[k][i];
    out[i] = sum;
  });
}

__global__ void copy(const float* from, float* to, int64_t n) {
  each_element(n, [&](int64_t i) { to[i] = from[i]; });
}

__global__ void repeat(const float* from, float* to, int64_t n, int64_t period, float scale) {
  each_element(n, [&](int64_t i) { to[i] = from[i % period] * scale; });
}

void reduce_batch(const Call& a) {
  const auto& p = a.as<BatchParams>();
  const int64_t rows = a.batch * p.outer;
  sum_rows(a, a.f32(0), a.f32(1), rows, p.features, p.mean ? static_cast<float>(rows) : 1.0f);
}

size_t scratch_of_batch(const void* params, int64_t samples) {
  const auto& p = *static_cast<const BatchParams*>(params);
  return scratch(samples * p.outer, p.features);
}

}  // namespace

void sum_samples(const Call& a) {
  const auto& p = a.as<SumSamplesParams>();
  sum_rows(a, a.f32(0), a.f32(1), a.batch * p.outer, p.features, 1.0f);
}
size_t sum_samples_scratch(const void* params, int64_t samples) {
  const auto& p = *static_cast<const SumSamplesParams*>(params);
  return scratch(samples * p.outer, p.features);
}

void batch_sum(const Call& a) { reduce_batch(a); }
void batch_mean(const Call& a) { reduce_batch(a); }
size_t batch_sum_scratch(const void* params, int64_t samples) {
  return scratch_of_batch(params, samples);
}
size_t batch_mean_scratch(const void* params, int64_t samples) {
  return scratch_of_batch(params, samples);
}

void batch_broadcast(const Call& a) {
  const auto& p = a.as<BatchParams>();
  const float scale = p.mean ? 1.0f / static_cast<float>(a.batch * p.outer) : 1.0f;
  const int64_t n = a.samples * p.outer * p.features;
  launch(repeat, blocks_for(n), kThreads, a.stream, static_cast<const float*>(a.f32(0)), a.f32(2),
         n, p.features, scale);
}

void slot_sum(const Call& a) {
  const auto& p = a.as<SlotSumParams>();
  Summands in{};
  for (int i = 0; i < p.inputs; ++i) in.data[i] = a.f32(i);
  launch(add_all, blocks_for(p.size), kThreads, a.stream, in, a.f32(p.inputs), p.size,
         static_cast<int>(p.inputs));
}

void live_only(const Call& a) {
  const int64_t n = a.samples * a.as<SumSamplesParams>().features;
  launch(copy, blocks_for(n), kThreads, a.stream, static_cast<const float*>(a.f32(0)), a.f32(1), n);
}

void assign(const Call& a) {
  const int64_t n = a.as<AssignParams>().size;
  launch(copy, blocks_for(n), kThreads, a.stream, static_cast<const float*>(a.f32(1)), a.f32(0), n);
}

}  // namespace convnet::cuda
