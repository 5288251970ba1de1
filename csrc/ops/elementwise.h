// What ops that work element by element share.
#pragma once

#include <array>

#include "cpu/kernel.h"
#include "ops/op.h"

namespace convnet::ops {

// Floats of one shard of a batched value, or of a whole single one.
inline int64_t floats_of(const Value& v) { return v.features() * v.lanes; }

inline void expect_values(const InferContext& c, std::initializer_list<int> inputs) {
  for (int i : inputs) {
    const Storage storage = c.in(i).storage;
    c.check(storage == Storage::Batched || storage == Storage::Single,
            std::string("cannot work on a ") + name_of(storage) + " value");
  }
}

// Index of `name` among `names`, with an error that lists them.
template <size_t N>
int index_of(const InferContext& c, const std::string& name,
             const std::array<const char*, N>& names) {
  std::string all;
  for (size_t i = 0; i < N; ++i) {
    if (name == names[i]) return static_cast<int>(i);
    all += (i ? ", " : "") + std::string(names[i]);
  }
  c.fail("there is no function '" + name + "'; it must be one of " + all);
}

}  // namespace convnet::ops
