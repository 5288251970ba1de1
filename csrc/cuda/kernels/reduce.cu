// Sums, means, extremes and products along axes, and the gradients of extremes.
#include "ops/reduce.h"

#include "cpu/kernels/binary_functions.h"
#include "cpu/kernels/reductions.h"
#include "cuda/strides.h"
#include "cuda/team.h"

namespace convnet::cuda {

namespace {

constexpr int64_t kSlice = 4096;  // terms, more of which are joined by several teams

// Results are those of `kept` for one sample after the other; `slice` terms of a result go into one
// number of its row in `out`.
struct Job {
  const float* x;
  float* out;
  int64_t sample, results, slices, slice;
  Strides kept, reduced;
  float divisor;
};

// Sums have kernels of their own, everything else shares some.
struct Sums {
  CONVNET_INLINE float neutral() const { return Sum::neutral; }
  CONVNET_INLINE Vec term(Vec x) const { return Sum::term(x); }
  CONVNET_INLINE Vec join(Vec a, Vec b) const { return Sum::join(a, b); }
};

class Others {
  template <class Go>
  CONVNET_INLINE auto with(Go go) const {
    switch (fn_) {
      case Reduction::prod:
        return go(Product{});
      case Reduction::max:
        return go(Largest{});
      case Reduction::min:
        return go(Smallest{});
      case Reduction::any:
        return go(Any{});
      default:
        return go(All{});
    }
  }

 public:
  explicit Others(Reduction fn) : fn_(fn) {}
  CONVNET_INLINE float neutral() const {
    return with([](auto f) { return decltype(f)::neutral; });
  }
  CONVNET_INLINE Vec term(Vec x) const {
    return with([&](auto f) { return decltype(f)::term(x); });
  }
  CONVNET_INLINE Vec join(Vec a, Vec b) const {
    return with([&](auto f) { return decltype(f)::join(a, b); });
  }

 private:
  Reduction fn_;
};

template <class F>
__global__ void join_terms(CONVNET_PARAMETER Job job, int team, F f) {
  each_row_of_team(team, job.results * job.slices, [&](int64_t row, int rank) {
    const auto [slice, result] = divide(row, job.results);
    const auto [sample, kept] = divide(result, job.kept.size);
    const float* x = job.x + sample * job.sample + place_of(job.kept, 0, kept);
    const int64_t last = (slice + 1) * job.slice;
    const int64_t end = last < job.reduced.size ? last : job.reduced.size;
    Vec total = set1(f.neutral());
    for (int64_t k = slice * job.slice + rank; k < end;) {
      const int64_t stop = k + kRun * team < end ? k + kRun * team : end;
      Vec run = set1(f.neutral());
      for (; k < stop; k += team) run = f.join(run, f.term(load(x + place_of(job.reduced, 0, k))));
      total = f.join(total, run);
    }
    total.v =
        over_team(team, total.v, [&](float a, float b) { return f.join(set1(a), set1(b)).v; });
    if (rank == 0) store(job.out + result * job.slices + slice, total / job.divisor);
  });
}

int64_t slices_of(const ReduceParams& p) {
  return p.reduced.size > kSlice ? div_up(p.reduced.size, kSlice) : 1;
}

// Rows of numbers that lie side by side.
Strides rows_of(int64_t count, int64_t step) {
  Strides s{};
  s.size = s.extent[0] = count, s.axes = 1, s.stride[0][0] = step;
  return s;
}

template <class F>
void reduce_with(const Call& a, const ReduceParams& p, F f) {
  const int64_t results = a.samples * p.kept.size, slices = slices_of(p);
  float* parts = slices > 1 ? static_cast<float*>(a.scratch) : a.f32(1);
  const Job job{a.f32(0), parts,     a.stride[0],
                results,  slices,    kSlice,
                p.kept,   p.reduced, slices > 1 ? 1.0f : p.divisor};
  const int team = team_for(p.innermost_kept, p.reduced.size);
  launch(join_terms<F>, blocks_for_teams(team, results * slices), kThreads, a.stream, job, team, f);
  if (slices == 1) return;
  const Job rest{
      parts,    a.f32(1), 0, results, 1, slices, rows_of(results, slices), rows_of(slices, 1),
      p.divisor};
  launch(join_terms<F>, blocks_for_teams(kWarp, results), kThreads, a.stream, rest, kWarp, f);
}

// Elements that share the extreme share the gradient.
__global__ void share_gradient(const float* x, const float* y, const float* dy, float* dx,
                               int64_t sample_stride, int64_t results, int team,
                               CONVNET_PARAMETER Strides kept, CONVNET_PARAMETER Strides reduced) {
  each_row_of_team(team, results, [&](int64_t row, int rank) {
    const auto [sample, at] = divide(row, kept.size);
    const int64_t begin = sample * sample_stride + place_of(kept, 0, at);
    const Vec extreme = load(y + row);
    const auto chosen = [&](int64_t place) { return one_where(load(x + place) == extreme); };
    float count = 0;
    for (int64_t k = rank; k < reduced.size; k += team)
      count += chosen(begin + place_of(reduced, 0, k)).v;
    const Vec share = load(dy + row) / set1(sum_over_team(team, count));
    for (int64_t k = rank; k < reduced.size; k += team) {
      const int64_t place = begin + place_of(reduced, 0, k);
      store(dx + place, chosen(place) * share);
    }
  });
}

}  // namespace

void extreme_backward(const Call& a) {
  const auto& p = a.as<ReduceParams>();
  const int64_t results = a.samples * p.kept.size;
  const float *x = a.f32(0), *y = a.f32(1), *dy = a.f32(2);
  const int team = team_for(p.innermost_kept, p.reduced.size);
  launch(share_gradient, blocks_for_teams(team, results), kThreads, a.stream, x, y, dy, a.f32(3),
         a.stride[0], results, team, p.kept, p.reduced);
}

void reduce(const Call& a) {
  const auto& p = a.as<ReduceParams>();
  if (p.fn == Reduction::sum || p.fn == Reduction::mean) return reduce_with(a, p, Sums{});
  reduce_with(a, p, Others(p.fn));
}
size_t reduce_scratch(const void* params, int64_t samples) {
  const auto& p = *static_cast<const ReduceParams*>(params);
  const int64_t slices = slices_of(p);
  return slices > 1 ? static_cast<size_t>(samples * p.kept.size * slices) * sizeof(float) : 0;
}

}  // namespace convnet::cuda
