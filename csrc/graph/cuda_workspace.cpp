#include "graph/cuda_workspace.h"

namespace convnet {

CudaWorkspace::CudaWorkspace(const CudaPlan& plan)
    : memory(plan.bytes_ + plan.scratch_),
      state(align_on_gpu(sizeof(cuda::Chunk)) + sizeof(cuda::Step)) {
  for (const auto& [id, offset] : plan.offsets_) {
    const Value& value = plan.graph_.value(id);
    if (value.role == Role::Constant)
      stream.upload(memory.get() + offset, value.constant.data(),
                    value.constant.size() * sizeof(float));
  }
  stream.synchronize();
}

CudaWorkspace::~CudaWorkspace() { forget(); }

void CudaWorkspace::forget() {
  if (cuda_usable())
    for (const auto& [batch, graph] : graphs) cuda_backend().destroy_graph(graph);
  graphs.clear();
}

}  // namespace convnet
