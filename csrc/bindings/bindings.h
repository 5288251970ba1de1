#pragma once

#include <pybind11/pybind11.h>

#include "core/shape.h"

namespace convnet::bindings {

void bind_graph(pybind11::module_& m);
void bind_plan(pybind11::module_& m);
void bind_device_array(pybind11::module_& m);

pybind11::tuple to_tuple(const Dims& dims);

}  // namespace convnet::bindings
