#include "cpu/dispatch.h"

#include <cstdlib>
#include <stdexcept>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace convnet {

#define DECLARE_TABLE(isa)        \
  namespace isa {                 \
  extern const KernelTable table; \
  }
#ifdef CONVNET_HAVE_avx512
DECLARE_TABLE(avx512)
#endif
#ifdef CONVNET_HAVE_avx2
DECLARE_TABLE(avx2)
#endif
#ifdef CONVNET_HAVE_neon
DECLARE_TABLE(neon)
#endif
DECLARE_TABLE(portable)
#undef DECLARE_TABLE

namespace {

struct Support {
  bool avx2 = false, avx512 = false;
};

#if defined(__x86_64__)
// Register state that the operating system saves (XGETBV), beside what the CPU offers (CPUID).
Support detect() {
  Support support;
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d)) return support;
  const bool osxsave = c & (1u << 27), fma = c & (1u << 12), f16c = c & (1u << 29);
  if (!osxsave) return support;
  unsigned low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  const bool ymm = (low & 0x6) == 0x6, zmm = (low & 0xe6) == 0xe6;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return support;
  const unsigned f = 1u << 16, dq = 1u << 17, bw = 1u << 30, vl = 1u << 31;
  support.avx2 = ymm && fma && f16c && (b & (1u << 5));
  support.avx512 = support.avx2 && zmm && (b & f) && (b & dq) && (b & bw) && (b & vl);
  return support;
}
#else
Support detect() { return {}; }
#endif

std::vector<const KernelTable*> tables() {
  [[maybe_unused]] const Support support = detect();
  std::vector<const KernelTable*> found;
#ifdef CONVNET_HAVE_avx512
  if (support.avx512) found.push_back(&avx512::table);
#endif
#ifdef CONVNET_HAVE_avx2
  if (support.avx2) found.push_back(&avx2::table);
#endif
#ifdef CONVNET_HAVE_neon
  found.push_back(&neon::table);
#endif
  found.push_back(&portable::table);
  return found;
}

const KernelTable& choose() {
  const auto found = tables();
  const char* wanted = std::getenv("CONVNET_ISA");
  if (!wanted || !*wanted) return *found.front();
  std::string names;
  for (const KernelTable* table : found) {
    if (std::string(wanted) == table->isa) return *table;
    names += (names.empty() ? "" : ", ") + std::string(table->isa);
  }
  throw std::invalid_argument("CONVNET_ISA is '" + std::string(wanted) +
                              "'; this machine supports: " + names);
}

}  // namespace

const KernelTable& kernels() {
  static const KernelTable& table = choose();
  return table;
}

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const KernelTable* table : tables()) names.emplace_back(table->isa);
  return names;
}

}  // namespace convnet
