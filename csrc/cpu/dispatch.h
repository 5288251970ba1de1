// The instruction set in use.
#pragma once

#include <string>
#include <vector>

#include "cpu/kernel_table.h"

namespace convnet {

// Kernels of the instruction set in use: CONVNET_ISA, else the best one the CPU and the operating
// system support. Throws std::invalid_argument where CONVNET_ISA names an unknown or unsupported
// one.
const KernelTable& kernels();

// Names of the sets compiled in that this CPU supports, best first.
std::vector<std::string> available_isas();

}  // namespace convnet
