#pragma once

#include <pybind11/numpy.h>

#include "core/device_array.h"
#include "graph/mirror.h"

namespace convnet::bindings {

FeedType feed_type(const pybind11::dtype& dtype);
// The whole block of memory that an array is a part of.
HostRange block_of(const pybind11::array& array);

}  // namespace convnet::bindings
