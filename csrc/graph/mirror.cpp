#include "graph/mirror.h"

#include <algorithm>
#include <mutex>

namespace convnet {

std::vector<std::shared_ptr<Mirror>> mirrors_of(std::vector<HostRange> ranges) {
  static std::mutex mutex;
  static std::vector<std::weak_ptr<Mirror>> known;
  std::sort(ranges.begin(), ranges.end(),
            [](const HostRange& a, const HostRange& b) { return a.begin < b.begin; });
  std::vector<HostRange> merged;
  for (const HostRange& range : ranges) {
    if (!merged.empty() && range.begin < merged.back().begin + merged.back().bytes) {
      HostRange& last = merged.back();
      last.bytes = std::max(last.begin + last.bytes, range.begin + range.bytes) - last.begin;
    } else {
      merged.push_back(range);
    }
  }
  std::lock_guard lock(mutex);
  std::erase_if(known, [](const auto& mirror) { return mirror.expired(); });
  std::vector<std::shared_ptr<Mirror>> found;
  for (const HostRange& range : merged) {
    std::shared_ptr<Mirror> mirror;
    for (const auto& candidate : known)
      if (auto live = candidate.lock(); live && live->holds(range.begin, range.bytes))
        mirror = std::move(live);
    if (!mirror) {
      mirror = std::make_shared<Mirror>(range.begin, range.bytes);
      known.push_back(mirror);
    }
    found.push_back(std::move(mirror));
  }
  return found;
}

}  // namespace convnet
