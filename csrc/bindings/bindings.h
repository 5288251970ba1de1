#pragma once

#include <pybind11/pybind11.h>

namespace convnet::bindings {

void bind_graph(pybind11::module_& m);
void bind_plan(pybind11::module_& m);

}  // namespace convnet::bindings
