// What a GPU rounds the operands of products to, for its tensor cores; sums are of float32.
#pragma once

namespace convnet {

enum class Precision { float32, tf32, bf16 };

}  // namespace convnet
