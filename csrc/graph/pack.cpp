#include "graph/pack.h"

#include <algorithm>

namespace convnet {

size_t pack(std::vector<Life>& lives) {
  std::stable_sort(lives.begin(), lives.end(),
                   [](const Life& a, const Life& b) { return a.bytes > b.bytes; });
  std::vector<const Life*> placed;  // by offset
  size_t total = 0;
  for (Life& life : lives) {
    for (const Life* by : placed) {
      if (by->last < life.first || life.last < by->first) continue;
      if (life.offset + life.bytes <= by->offset) break;
      life.offset = std::max(life.offset, by->offset + by->bytes);
    }
    placed.insert(std::upper_bound(placed.begin(), placed.end(), life.offset,
                                   [](size_t at, const Life* p) { return at < p->offset; }),
                  &life);
    total = std::max(total, life.offset + life.bytes);
  }
  return total;
}

}  // namespace convnet
