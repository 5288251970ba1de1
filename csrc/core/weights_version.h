// Counts the changes of any weights in this process, so that what was made of weights alone can be
// kept from run to run.
#pragma once

#include <cstdint>

namespace convnet {

uint64_t weights_version();
// To be called after weights were written.
void weights_changed();

}  // namespace convnet
