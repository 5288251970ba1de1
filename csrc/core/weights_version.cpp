#include "core/weights_version.h"

#include <atomic>

namespace convnet {

namespace {

std::atomic<uint64_t> version{1};

}  // namespace

uint64_t weights_version() { return version.load(std::memory_order_acquire); }
void weights_changed() { version.fetch_add(1, std::memory_order_acq_rel); }

}  // namespace convnet
