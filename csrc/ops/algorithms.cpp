#include "ops/algorithms.h"

#include <algorithm>
#include <stdexcept>

namespace convnet {

const std::map<std::string, std::vector<std::string>>& algorithm_choices() {
  static const std::map<std::string, std::vector<std::string>> choices = {
      {"conv2d", {"direct", "winograd4", "winograd6", "winograd8"}},
      {"conv2d_backward", {"direct", "sparse"}},
      {"precision", {"highest"}},  // of Winograd's algorithm four points only
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
