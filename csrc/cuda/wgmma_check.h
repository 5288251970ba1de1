#pragma once

namespace convnet::cuda {

// Whether the device in use is one for which `wgmma` is compiled, and it computes there what plain
// multiply-adds do. Found out once for each device, by small products.
bool wgmma_works();

}  // namespace convnet::cuda
