// Tiles by `wgmma` depend on layouts of registers and memory that only a chip can confirm. Before
// they are chosen there, they multiply small integers, of which all sums are exact: whoever does
// not find the same numbers as multiply-adds is not used.
#include "cuda/wgmma_check.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <vector>

#include "cuda/matrix.h"
#include "cuda/runtime.h"

namespace convnet::cuda {

namespace {

using Numbers = std::vector<float>;
constexpr Shape kShape{264, 72, 120};  // more than one tile, tails, more steps than memory holds
constexpr int kPlain = 3;              // a tile of PlainSums

// Numbers on the device.
class Buffer {
 public:
  explicit Buffer(size_t size) : size_(size * sizeof(float)) {
    void* memory = nullptr;
    if (backend().allocate(&memory, size_) == Status::ok) data_ = static_cast<float*>(memory);
  }
  ~Buffer() {
    if (data_) backend().release(data_);
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  float* data() const { return data_; }
  bool send(const Numbers& from, Stream stream) const {
    return backend().upload(data_, from.data(), size_, stream) == Status::ok;
  }
  bool bring(Numbers& to, Stream stream) const {
    return backend().download(to.data(), data_, size_, stream) == Status::ok &&
           backend().synchronize(stream) == Status::ok;
  }

  static const Backend& backend() { return *convnet_cuda_backend(); }

 private:
  size_t size_;
  float* data_ = nullptr;
};

// Integers of so many different sizes; their products and the sums of those are below 2^20.
Numbers integers(int64_t count, int different) {
  Numbers x(static_cast<size_t>(count));
  uint32_t state = 1;
  for (float& v : x) {
    state = state * 1664525u + 1013904223u;
    v = static_cast<float>(static_cast<int>(state >> 8) % different - different / 2);
  }
  return x;
}

bool same_sums(Stream stream) {
  const auto [M, N, K, products] = kShape;
  const Buffer a(static_cast<size_t>(M * K)), b(static_cast<size_t>(K * N));
  const Buffer c(static_cast<size_t>(M * N));
  if (!a.data() || !b.data() || !c.data()) return false;
  const Numbers nothing(static_cast<size_t>(M * N), -0.5f);
  if (!a.send(integers(M * K, 1023), stream) || !b.send(integers(K * N, 15), stream)) return false;
  for (const bool a_along : {true, false})
    for (const bool b_along : {true, false}) {
      if (!a_along && b_along) continue;  // both transposed: has no such tiles
      const Matrix left{a.data(), a_along ? K : 1, a_along ? 1 : M};
      const Matrix right{b.data(), b_along ? K : 1, b_along ? 1 : N};
      const auto sums = [&](int tile, Numbers& found) {
        const Plan plan{tile, {1, static_cast<int>(div_up(K, kDepth) * kDepth)}};
        if (!c.send(nothing, stream)) return false;
        multiply(stream, plan, kShape, left, right,
                 Output(c.data(), nullptr, N, N, Activation::linear));
        return c.bring(found, stream);
      };
      Numbers expected(nothing), found(nothing);
      if (!sums(kPlain, expected)) return false;
      for (int tile = 0; tile < kTiles; ++tile)
        if (by_wgmma(tile) && (!sums(tile, found) || found != expected)) return false;
    }
  return true;
}

bool find_out(int device) {
  const Backend& backend = Buffer::backend();
  const Aside aside;
  Device properties{};
  if (backend.describe(device, &properties) != Status::ok) return false;
  if (properties.major != 9 || properties.minor != 0) return false;
  Stream stream;
  if (backend.create_stream(&stream) != Status::ok) return false;
  const bool works = same_sums(stream);
  backend.destroy_stream(stream);
  return works;
}

}  // namespace

bool wgmma_works() {
  static std::mutex mutex;
  static std::map<int, bool> works;  // by device
  int device = 0;
  if (Buffer::backend().select(-1, &device) != Status::ok) return false;
  std::lock_guard lock(mutex);
  const auto it = works.find(device);
  return it != works.end() ? it->second : (works[device] = find_out(device));
}

}  // namespace convnet::cuda
