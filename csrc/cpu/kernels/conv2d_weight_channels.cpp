// Gradient of a 2D convolution for its weights, output channels in lanes: a row of dw for each
// stream, which is a tap and an input channel. Register tiles are streams x vectors of channels.
// For a block of result pixels dy is transposed once, [pixel][sample][channel]; x is broadcast from
// where it lies, or from a panel where the streams of a tile are not neighbours or reach over the
// border. Each block is summed in registers and then added to dw, so that no sum grows long. No
// sample beyond the batch is visited.
#include "cpu/kernels/conv2d_weight.h"
#include "cpu/kernels/rows.h"
#include "cpu/kernels/tail.h"

namespace convnet::CONVNET_ISA {

namespace {

constexpr int kTileVectors = kWidth == 16 ? 2 : kRegisters >= 32 ? 4 : 2;
constexpr int kTileStreams = (kRegisters >= 32 ? 24 : 12) / kTileVectors;
constexpr int64_t kPixels = kWeightPixels;

// Result columns [first, last) of a row; x: the image; dy: transposed, of column `first`.
struct Run {
  const float* x;
  int64_t row, first, last, live, pixel;
};

struct Block {
  const Conv2dWeightParams* p;
  Run runs[kPixels];
  int64_t count;
  float* dy;  // [tile of vectors][pixel][16][channels of the tile]
};

// Streams [first, first + count) of a group.
struct Streams {
  int64_t count, offset[kTileStreams];               // from the source of a pixel
  int64_t y[kTileStreams], x[kTileStreams];          // of the tap
  Range any_row, all_rows, any_column, all_columns;  // where some, where all are inside
  bool neighbours;

  CONVNET_INLINE Streams(const Conv2dWeightParams& p, int64_t first, int64_t n) : count(n) {
    int64_t c = first % p.in_group(), tap = first / p.in_group();
    int64_t ky = tap / p.KW, kx = tap % p.KW;
    neighbours = true;
    for (int64_t s = 0; s < n; ++s) {
      y[s] = ky * p.dy - p.top, x[s] = kx * p.dx - p.left;
      offset[s] = ((y[s] * p.W + x[s]) * p.C + c) * kLanes;
      neighbours = neighbours && offset[s] == offset[0] + s * kLanes;
      if (++c < p.in_group()) continue;
      c = 0;
      if (++kx < p.KW) continue;
      kx = 0, ++ky;
    }
    int64_t left = x[0], right = x[0];
    for (int64_t s = 1; s < n; ++s) left = least(left, x[s]), right = most(right, x[s]);
    set(any_row, all_rows, p.H, p.OH, p.sy, y[0], y[n - 1]);
    set(any_column, all_columns, p.W, p.OW, p.sx, left, right);
  }

  static CONVNET_INLINE void set(Range& any, Range& all, int64_t size, int64_t out, int64_t stride,
                                 int64_t smallest, int64_t largest) {
    const Range a = valid(size, out, stride, smallest), b = valid(size, out, stride, largest);
    any = {b.low, a.high};
    all = {a.low, b.high};
  }
};

CONVNET_INLINE bool within(int64_t i, const Range& r) { return i >= r.low && i < r.high; }

// The streams of a pixel side by side, zeros where they lie outside the image.
template <int S>
CONVNET_INLINE void gather(const Conv2dWeightParams& p, const Streams& t, const float* x,
                           int64_t iy, int64_t ix, float* panel) {
  for (int s = 0; s < S; ++s) {
    const bool inside = static_cast<uint64_t>(iy + t.y[s]) < static_cast<uint64_t>(p.H) &&
                        static_cast<uint64_t>(ix + t.x[s]) < static_cast<uint64_t>(p.W);
    for (int i = 0; i < kLanes; i += kWidth)
      store(panel + s * kLanes + i, inside ? load(x + t.offset[s] + i) : zero());
  }
}

template <int S, int V>
__attribute__((noinline)) void tile(const Block& b, const Streams& t, const float* dy, float* dw,
                                    int64_t channels, bool fresh) {
  const Conv2dWeightParams& p = *b.p;
  alignas(64) float panel[S * kLanes];
  Vec acc[S][V];
  CONVNET_EACH(s, S)
    CONVNET_EACH(v, V) acc[s][v] = zero();
  for (int64_t r = 0; r < b.count; ++r) {
    const Run& run = b.runs[r];
    if (!within(run.row, t.any_row)) continue;
    const Range inside = within(run.row, t.all_rows) && t.neighbours ? t.all_columns : Range{0, 0};
    const int64_t begin = most(run.first, t.any_column.low),
                  end = least(run.last, t.any_column.high), iy = run.row * p.sy;
    for (int64_t column = begin; column < end; ++column) {
      const float* x = run.x + (iy * p.W + column * p.sx) * p.C * kLanes;
      if (within(column, inside)) {
        x += t.offset[0];
      } else {
        gather<S>(p, t, x, iy, column * p.sx, panel);
        x = panel;
      }
      const float* g = dy + (run.pixel + column - run.first) * kLanes * V * kWidth;
      for (int64_t n = 0; n < run.live; ++n, g += V * kWidth) {
        Vec d[V];
        CONVNET_EACH(v, V) d[v] = load(g + v * kWidth);
        CONVNET_EACH(s, S) {
          const Vec value = set1(x[s * kLanes + n]);
          CONVNET_EACH(v, V) acc[s][v] = fma(value, d[v], acc[s][v]);
        }
      }
    }
  }
  CONVNET_EACH(s, S)
    CONVNET_EACH(v, V) {
      float* to = dw + s * p.OC + v * kWidth;
      const int64_t n = channels - v * kWidth;
      store_some(to, n, fresh ? acc[s][v] : load_some(to, n) + acc[s][v]);
    }
}

template <int V, int S = kTileStreams>
CONVNET_INLINE void tile_of(const Block& b, const Streams& t, const float* dy, float* dw,
                            int64_t channels, bool fresh) {
  if constexpr (S > 1)
    if (t.count < S) return tile_of<V, S - 1>(b, t, dy, dw, channels, fresh);
  tile<S, V>(b, t, dy, dw, channels, fresh);
}

template <int V = kTileVectors>
CONVNET_INLINE void tile_of_vectors(int64_t vectors, const Block& b, const Streams& t,
                                    const float* dy, float* dw, int64_t channels, bool fresh) {
  if constexpr (V > 1)
    if (vectors < V) return tile_of_vectors<V - 1>(vectors, b, t, dy, dw, channels, fresh);
  tile_of<V>(b, t, dy, dw, channels, fresh);
}

// Output channels [first, first + count), which a unit has in lanes.
struct Channels {
  int64_t first, count;

  int64_t vectors() const { return div_up(count, kWidth); }
  int64_t tiles() const { return div_up(vectors(), kTileVectors); }
  int64_t begin(int64_t tile) const { return cut(vectors(), tiles(), tile); }
};

// Where a block's tile of vectors begins.
CONVNET_INLINE float* tile_dy(const Block& b, const Channels& o, int64_t tile) {
  return b.dy + o.begin(tile) * kWidth * kPixels * kLanes;
}

void transpose_run(const Block& b, const Run& run, const float* dy, const Channels& o) {
  for (int64_t i = 0; i < o.tiles(); ++i) {
    const int64_t begin = o.begin(i) * kWidth, end = least(o.begin(i + 1) * kWidth, o.count),
                  width = (o.begin(i + 1) - o.begin(i)) * kWidth;
    float* to = tile_dy(b, o, i) + run.pixel * kLanes * width;
    for (int64_t column = run.first; column < run.last; ++column, to += kLanes * width)
      from_lanes(begin, end, dy + (column * b.p->OC + o.first) * kLanes,
                 [&](int lane, int64_t m, int64_t, Vec values) {
                   store(to + lane * width + m - begin, values);
                 });
  }
}

void all_channels(const Block& b, const Streams& t, const Channels& o, float* dw, bool fresh) {
  for (int64_t i = 0; i < o.tiles(); ++i) {
    const int64_t begin = o.begin(i), at = begin * kWidth;
    tile_of_vectors(o.begin(i + 1) - begin, b, t, tile_dy(b, o, i), dw + o.first + at, o.count - at,
                    fresh);
  }
}

// Walks the pixels of one shard or of all in blocks.
class Pixels {
 public:
  Pixels(const KernelArgs& a, const Conv2dWeightParams& p)
      : a_(a),
        p_(p),
        pieces_(div_up(p.OW, kPixels)),
        runs_(most(1, kPixels / p.OW)),
        rows_((p.whole_batch ? a.step->shards : 1) * p.outer * p.OH) {}

  int64_t blocks() const { return pieces_ > 1 ? rows_ * pieces_ : div_up(rows_, runs_); }

  // Fills a block and transposes its dy.
  void fill(Block& b, int64_t i, int64_t group, const Channels& o) const {
    const int64_t first = pieces_ > 1 ? i / pieces_ : i * runs_,
                  last = pieces_ > 1 ? first + 1 : least(first + runs_, rows_), piece = i % pieces_;
    b.count = last - first;
    int64_t pixel = 0;
    for (int64_t row = first; row < last; ++row) {
      const int64_t image = row / p_.OH, outer = image % p_.outer, shard = image / p_.outer;
      Run& run = b.runs[row - first];
      run = {a_.f32(0) + (p_.whole_batch ? shard * a_.stride[0] : 0) +
                 (outer * p_.H * p_.W * p_.C + group * p_.in_group()) * kLanes,
             row % p_.OH,
             cut(p_.OW, pieces_, piece),
             cut(p_.OW, pieces_, piece + 1),
             a_.live(p_.whole_batch ? shard : a_.shard()),
             pixel};
      pixel += run.last - run.first;
      transpose_run(b, run,
                    a_.f32(1) + (p_.whole_batch ? shard * a_.stride[1] : 0) +
                        (outer * p_.OH + run.row) * p_.OW * p_.OC * kLanes,
                    o);
    }
  }

 private:
  const KernelArgs& a_;
  const Conv2dWeightParams& p_;
  int64_t pieces_, runs_, rows_;
};

}  // namespace

// A unit is a block of output channels of a group and a part of its tiles.
void weight_by_channels(const KernelArgs& a, const Conv2dWeightParams& p) {
  const int64_t lanes = div_up(p.out_group(), 16), blocks = div_up(lanes * 16, kWeightLanes),
                parts = div_up(p.streams(), kWeightStreams);
  const int64_t tiles = div_up(p.streams(), kTileStreams);
  const Pixels pixels(a, p);
  Block b;
  b.p = &p;
  b.dy = static_cast<float*>(a.scratch);
  for (int64_t i = 0; i < pixels.blocks(); ++i)
    for (int64_t unit = a.begin, next; unit < a.end; unit = next) {
      const int64_t of_group = unit / parts, group = of_group / blocks, block = of_group % blocks;
      next = least(a.end, (of_group + 1) * parts);
      const int64_t first = cut(lanes, blocks, block) * 16;
      const Channels o{group * p.out_group() + first,
                       least(cut(lanes, blocks, block + 1) * 16, p.out_group()) - first};
      pixels.fill(b, i, group, o);
      const int64_t end = cut(tiles, parts, next - of_group * parts);
      for (int64_t t = cut(tiles, parts, unit % parts); t < end; ++t) {
        const int64_t row = cut(p.streams(), tiles, t);
        const Streams streams(p, row, cut(p.streams(), tiles, t + 1) - row);
        all_channels(b, streams, o, a.f32(2) + row * p.OC, !a.accumulate && i == 0);
      }
    }
}

}  // namespace convnet::CONVNET_ISA
