#include "core/aligned.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace convnet {

namespace {
std::atomic<size_t> count{0};
constexpr size_t kAlignment = 64;
[[maybe_unused]] constexpr size_t kHugePage = size_t{2} << 20;
}  // namespace

void AlignedFree::operator()(void* p) const {
#if defined(__linux__)
  if (mapped) {
    munmap(p, mapped);
    return;
  }
#endif
  std::free(p);
}

namespace {

#if defined(__linux__)
// Pages that the kernel fills with zeros when they are first touched, by whichever thread does.
AlignedBytes mapped_zeros(size_t size) {
  void* all =
      mmap(nullptr, size + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED) throw std::bad_alloc();
  auto* start = static_cast<std::byte*>(all);
  const size_t before = (kHugePage - reinterpret_cast<uintptr_t>(all) % kHugePage) % kHugePage;
  if (before) munmap(start, before);
  if (before < kHugePage) munmap(start + before + size, kHugePage - before);
  madvise(start + before, size, MADV_HUGEPAGE);
  return AlignedBytes(start + before, AlignedFree{size});
}
#endif

}  // namespace

AlignedBytes aligned_zeros(size_t bytes) {
  count.fetch_add(1, std::memory_order_relaxed);
#if defined(__linux__)
  if (bytes >= kHugePage) return mapped_zeros((bytes + kHugePage - 1) / kHugePage * kHugePage);
#endif
  const size_t size = (std::max<size_t>(bytes, 1) + kAlignment - 1) / kAlignment * kAlignment;
  void* p = std::aligned_alloc(kAlignment, size);
  if (!p) throw std::bad_alloc();
  std::memset(p, 0, size);
  return AlignedBytes(static_cast<std::byte*>(p));
}

size_t allocations() { return count.load(std::memory_order_relaxed); }

}  // namespace convnet
