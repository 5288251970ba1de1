// The structures of DLPack, by which libraries hand arrays to each other:
// https://dmlc.github.io/dlpack
#pragma once

#include <cstdint>

namespace convnet::dlpack {

constexpr int32_t kCuda = 2;  // kinds of devices
enum Code : uint8_t { signed_integer = 0, unsigned_integer = 1, real = 2, boolean = 6 };

struct Tensor {
  void* data;
  struct {
    int32_t type, id;
  } device;
  int32_t ndim;
  struct {
    uint8_t code, bits;
    uint16_t lanes;
  } dtype;
  int64_t* shape;
  int64_t* strides;  // in elements; null: contiguous
  uint64_t byte_offset;
};

struct ManagedTensor {
  Tensor tensor;
  void* context;
  void (*deleter)(ManagedTensor* self);
};

constexpr const char* kName = "dltensor";           // of a capsule that holds one
constexpr const char* kUsedName = "used_dltensor";  // of one that somebody has taken it from

}  // namespace convnet::dlpack
