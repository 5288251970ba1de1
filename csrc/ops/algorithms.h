// Algorithms that can be forced, for debugging, where a choice is made otherwise.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace convnet {

// Names of the algorithms, by what is computed.
const std::map<std::string, std::vector<std::string>>& algorithm_choices();
// Throws std::invalid_argument unless `name` is one of the choices for `what`.
void check_algorithm(const std::string& what, const std::string& name);

}  // namespace convnet
