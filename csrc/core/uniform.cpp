// Philox4x64-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3",
// SC 2011). A block of four 64-bit words, made of its number alone, gives eight floats of 24 bits;
// as in NumPy the first block has number one, and the lower half of a word comes first.
#include "core/uniform.h"

#include <algorithm>
#include <functional>

#include "core/thread_pool.h"

namespace convnet {

namespace {

__extension__ using Wide = unsigned __int128;

constexpr int kRounds = 10;
constexpr int64_t kFloats = 8;             // of a block
constexpr int64_t kRun = 64;               // blocks drawn before they become floats
constexpr int64_t kLeastShared = 1 << 16;  // blocks: some half a millisecond of one thread

// The eight halves of the words of a block.
void draw_block(uint64_t number, uint64_t key0, uint64_t key1, uint32_t* halves) {
  uint64_t a = number, b = 0, c = 0, d = 0;
  for (int round = 0; round < kRounds; ++round) {
    const Wide p = Wide{0xD2E7470EE14C6C93} * a, q = Wide{0xCA5A826395121157} * c;
    a = static_cast<uint64_t>(q >> 64) ^ b ^ key0;
    b = static_cast<uint64_t>(q);
    c = static_cast<uint64_t>(p >> 64) ^ d ^ key1;
    d = static_cast<uint64_t>(p);
    key0 += 0x9E3779B97F4A7C15;
    key1 += 0xBB67AE8584CAA73B;
  }
  const uint64_t words[] = {a, b, c, d};
  for (int i = 0; i < 4; ++i) {
    halves[2 * i] = static_cast<uint32_t>(words[i]);
    halves[2 * i + 1] = static_cast<uint32_t>(words[i] >> 32);
  }
}

}  // namespace

void fill_uniform(float* out, int64_t n, const uint64_t (&key)[2], float scale, float offset) {
  const auto fill = [&](int64_t first, int64_t end) {
    uint32_t halves[kRun * kFloats];
    for (int64_t run = first; run < end; run += kRun) {
      const int64_t count = std::min(kRun, end - run);
      for (int64_t i = 0; i < count; ++i)
        draw_block(static_cast<uint64_t>(run + i) + 1, key[0], key[1], halves + i * kFloats);
      float* to = out + run * kFloats;
      const int64_t floats = std::min(count * kFloats, n - run * kFloats);
      for (int64_t i = 0; i < floats; ++i)
        to[i] =
            static_cast<float>(static_cast<int32_t>(halves[i] >> 8)) * 0x1p-24f * scale + offset;
    }
  };
  const int64_t blocks = (n + kFloats - 1) / kFloats;
  const int threads = blocks < kLeastShared ? 1 : num_threads();
  const std::function<void(int)> part = [&](int thread) {
    fill(blocks * thread / threads, blocks * (thread + 1) / threads);
  };
  if (threads == 1 || !ThreadPool::instance().try_run(threads, part)) fill(0, blocks);
}

}  // namespace convnet
