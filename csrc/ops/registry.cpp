// The table of all ops, built from the list so that no op depends on static initialisation order.
#include <algorithm>
#include <iterator>

#include "cpu/kernel_table.h"
#include "ops/op.h"

namespace convnet {

namespace ops {
#define CONVNET_OP(name) extern const OpDef name;
#define CONVNET_VIEW(name) extern const OpDef name;
#include "ops/kernel_list.inc"
#undef CONVNET_OP
#undef CONVNET_VIEW
}  // namespace ops

namespace {

const std::vector<Op>& registry() {
  static const std::vector<Op> table = {
#define CONVNET_OP(name) {#name, &ops::name, false, op_index_##name},
#define CONVNET_VIEW(name) {#name, &ops::name, true, -1},
#include "ops/kernel_list.inc"
#undef CONVNET_OP
#undef CONVNET_VIEW
  };
  return table;
}

}  // namespace

const Op* find_op(const std::string& name) {
  const auto& table = registry();
  auto it = std::find_if(table.begin(), table.end(), [&](const Op& op) { return name == op.name; });
  return it == table.end() ? nullptr : &*it;
}

std::vector<std::string> op_names() {
  std::vector<std::string> names;
  for (const Op& op : registry()) names.emplace_back(op.name);
  return names;
}

}  // namespace convnet
