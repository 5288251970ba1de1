#include "cuda/emulation/wgmma.h"

#include <cstring>
#include <deque>
#include <limits>
#include <vector>

#include "cuda/emulation/emulation.h"

namespace convnet::cuda::emulation {

namespace {

constexpr int kColumns = 128, kDepth = 8, kMine = kColumns / 4;  // columns that a lane has sums of
constexpr int kParts = kDepth / 4;  // of a column: 16 bytes each, which stay together
// Where dynamic shared memory begins: no more aligned than a kernel may count on.
constexpr unsigned kBase = 1024 + 16;

struct Product {
  float* d;
  const float* a;
  bool sound;
  float mine[4];               // of a, when it was issued
  float rows[2][kDepth];       // of a
  unsigned at[kMine][kParts];  // where b lies in shared memory
  float b[kMine][kDepth];
};
struct Products {
  std::deque<std::vector<Product>> groups{1};  // the last one is open
  bool begun = false, shown = false;
};

std::vector<Products> of_threads;           // none until one of them uses it
float seen[kSharedMemory / sizeof(float)];  // by wgmma

Products& mine() {
  if (of_threads.empty()) {
    of_threads.resize(block_size.x * block_size.y * block_size.z);
    std::memset(seen, 0xff, sizeof seen);
  }
  return of_threads[thread.x + block_size.x * (thread.y + block_size.y * thread.z)];
}

float cut(float x) {  // to 10 bits of mantissa
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  bits &= ~0x1fffu;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

unsigned bits_of(uint64_t descriptor, int first, int count) {
  return static_cast<unsigned>(descriptor >> first & ((uint64_t{1} << count) - 1));
}

// Where a part of a column lies, of an operand whose columns lie one after the other ("K-major"),
// in core matrices of 8 columns by 16 bytes. False: the descriptor is not valid, or points
// elsewhere.
bool find(uint64_t descriptor, int column, int part, unsigned& index) {
  const unsigned start = bits_of(descriptor, 0, 14) << 4, leading = bits_of(descriptor, 16, 14)
                                                                    << 4;
  const unsigned stride = bits_of(descriptor, 32, 14) << 4, base = bits_of(descriptor, 49, 3);
  const unsigned mode = bits_of(descriptor, 62, 2);  // no swizzle, of 128 bytes, of 64, of 32
  const unsigned unused = bits_of(descriptor, 14, 2) | bits_of(descriptor, 30, 2) |
                          bits_of(descriptor, 46, 3) | bits_of(descriptor, 52, 10);
  const auto c = static_cast<unsigned>(column), p = static_cast<unsigned>(part);
  unsigned address = start + c / 8 * stride;
  if (mode == 0) {
    address += c % 8 * 16 + p * leading;
  } else {
    const unsigned bits = 4 - mode;
    address += c % 8 * (16u << bits) + p * 16;
    address ^= (address >> 7 & ((1u << bits) - 1)) << 4;
  }
  index = (address - kBase) / sizeof(float);
  return !unused && !base && address >= kBase && index + 4 <= kSharedMemory / sizeof(float);
}

void issue(Product& p, uint64_t descriptor) {
  struct Shown {
    float a[4];
    uint64_t descriptor;
  } shown{{p.mine[0], p.mine[1], p.mine[2], p.mine[3]}, descriptor};
  const auto* lanes = static_cast<const Shown*>(show(&shown, sizeof shown));
  const int g = lane() / 4, t = lane() % 4;
  for (int half = 0; half < 2; ++half)
    for (int k = 0; k < kDepth; ++k)
      p.rows[half][k] = cut(lanes[4 * g + k % 4].a[k / 4 * 2 + half]);
  for (int i = 0; i < 32; ++i) p.sound = p.sound && lanes[i].descriptor == descriptor;
  for (int column = 0; column < kMine; ++column)
    for (int part = 0; part < kParts; ++part) {
      unsigned& at = p.at[column][part];
      if (!find(descriptor, column / 2 * 8 + 2 * t + column % 2, part, at)) at = 0, p.sound = false;
      std::memcpy(p.b[column] + 4 * part, seen + at, 16);
    }
}

void make(const Product& p) {
  bool sound = p.sound && std::memcmp(p.a, p.mine, sizeof p.mine) == 0;
  for (int column = 0; column < kMine; ++column)
    for (int part = 0; part < kParts; ++part)
      sound =
          sound && std::memcmp(p.b[column] + 4 * part, shared_memory + p.at[column][part], 16) == 0;
  for (int i = 0; i < 64; ++i) {
    const int half = i / 2 % 2, column = i / 4 * 2 + i % 2;
    for (int k = 0; k < kDepth; ++k)
      p.d[i] = std::fma(p.rows[half][k], cut(p.b[column][k]), p.d[i]);
    if (!sound) p.d[i] = std::numeric_limits<float>::quiet_NaN();
  }
}

}  // namespace

unsigned shared_address(const float* p) {
  return kBase + static_cast<unsigned>((p - shared_memory) * sizeof(float));
}

void show_to_wgmma() { mine().shown = true; }
void wgmma_begin() { mine().begun = true; }

void wgmma(float* d, const float* a, uint64_t b) {
  Product p{};
  p.d = d, p.a = a, p.sound = mine().begun;
  std::memcpy(p.mine, a, sizeof p.mine);
  issue(p, b);
  mine().groups.back().push_back(p);
}

void wgmma_end() { mine().groups.emplace_back(); }

void wgmma_wait(unsigned left) {
  Products& products = mine();
  products.begun = false;
  for (; products.groups.size() > left + 1; products.groups.pop_front())
    for (const Product& p : products.groups.front()) make(p);
}

void wgmma_new_block() { of_threads.clear(); }

void wgmma_at_barrier(unsigned threads) {
  unsigned shown = 0;
  for (Products& products : of_threads) shown += products.shown, products.shown = false;
  if (shown && shown == threads) std::memcpy(seen, shared_memory, sizeof seen);
}

}  // namespace convnet::cuda::emulation
