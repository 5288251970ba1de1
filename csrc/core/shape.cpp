#include "core/shape.h"

#include <algorithm>
#include <stdexcept>

namespace convnet {

int64_t numel(const Dims& dims, size_t first, size_t last) {
  int64_t n = 1;
  for (size_t i = first; i < std::min(last, dims.size()); ++i) n *= dims[i];
  return n;
}

std::string to_string(const Dims& dims) {
  std::string text = "(";
  for (size_t i = 0; i < dims.size(); ++i) text += (i ? ", " : "") + std::to_string(dims[i]);
  return text + (dims.size() == 1 ? ",)" : ")");
}

Dims broadcast(const Dims& a, const Dims& b) {
  Dims out(std::max(a.size(), b.size()));
  for (size_t i = 0; i < out.size(); ++i) {
    int64_t x = i < out.size() - a.size() ? 1 : a[i - (out.size() - a.size())];
    int64_t y = i < out.size() - b.size() ? 1 : b[i - (out.size() - b.size())];
    if (x != y && x != 1 && y != 1)
      throw std::invalid_argument("shapes " + to_string(a) + " and " + to_string(b) +
                                  " cannot be broadcast together");
    out[i] = x == 1 ? y : x;
  }
  return out;
}

}  // namespace convnet
