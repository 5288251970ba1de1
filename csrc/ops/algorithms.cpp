#include "ops/algorithms.h"

#include <algorithm>
#include <stdexcept>

namespace convnet {

const std::map<std::string, std::vector<std::string>>& algorithm_choices() {
  static const std::map<std::string, std::vector<std::string>> choices = {
      {"conv2d", {"direct", "winograd4", "winograd6", "winograd8"}},
      {"conv2d_backward", {"direct", "sparse"}},
      // Tiles on the GPU. Those of 256 rows are for TF32 on Hopper.
      {"gemm", {"256x128", "256x64", "128x128", "128x32", "64x64", "32x32", "16x64"}},
      // No Winograd's algorithm with more than four points; TF32 on the GPU.
      {"precision", {"highest", "medium"}},
  };
  return choices;
}

void check_algorithm(const std::string& what, const std::string& name) {
  const auto found = algorithm_choices().find(what);
  if (found == algorithm_choices().end())
    throw std::invalid_argument("there is no choice of algorithms for '" + what + "'");
  const auto& names = found->second;
  if (std::find(names.begin(), names.end(), name) == names.end())
    throw std::invalid_argument(what + ": there is no algorithm '" + name + "'");
}

}  // namespace convnet
