#include "core/aligned.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace convnet {

namespace {
std::atomic<size_t> count{0};
constexpr size_t kHugePage = size_t{2} << 20;
}  // namespace

void AlignedFree::operator()(void* p) const { std::free(p); }

AlignedBytes aligned_zeros(size_t bytes) {
  size_t alignment = bytes >= kHugePage ? kHugePage : 64;
  size_t size = (bytes + alignment - 1) / alignment * alignment;
  void* p = std::aligned_alloc(alignment, size ? size : alignment);
  if (!p) throw std::bad_alloc();
  count.fetch_add(1, std::memory_order_relaxed);
#if defined(__linux__)
  if (bytes >= kHugePage) madvise(p, size, MADV_HUGEPAGE);
#endif
  std::memset(p, 0, size);
  return AlignedBytes(static_cast<std::byte*>(p));
}

size_t allocations() { return count.load(std::memory_order_relaxed); }

}  // namespace convnet
