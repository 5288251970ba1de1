#include "graph/graph.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>

#include "bindings/bindings.h"

namespace py = pybind11;

namespace convnet::bindings {

namespace {

using FloatArray = py::array_t<float, py::array::c_style | py::array::forcecast>;

Attr to_attr(const std::string& name, py::handle value) {
  if (py::isinstance<py::bool_>(value)) return value.cast<bool>();
  if (py::isinstance<py::int_>(value)) return value.cast<int64_t>();
  if (py::isinstance<py::float_>(value)) return value.cast<double>();
  if (py::isinstance<py::str>(value)) return value.cast<std::string>();
  if (py::isinstance<py::sequence>(value)) {
    try {
      return value.cast<std::vector<int64_t>>();
    } catch (const py::cast_error&) {
      return value.cast<std::vector<double>>();
    }
  }
  if (py::hasattr(value, "__index__"))
    return py::int_(py::reinterpret_borrow<py::object>(value)).cast<int64_t>();
  if (py::hasattr(value, "__float__"))
    return py::float_(py::reinterpret_borrow<py::object>(value)).cast<double>();
  throw py::type_error("attribute '" + name +
                       "' must be a bool, int, float, str or a list of numbers");
}

std::vector<ValueId> to_inputs(const py::sequence& inputs) {
  std::vector<ValueId> ids;
  for (py::handle id : inputs) ids.push_back(id.is_none() ? kNone : id.cast<ValueId>());
  return ids;
}

Attrs to_attrs(const py::dict& attrs) {
  Attrs result;
  for (auto [key, value] : attrs) {
    const std::string name = key.cast<std::string>();
    result.emplace(name, to_attr(name, value));
  }
  return result;
}

}  // namespace

py::tuple to_tuple(const Dims& dims) {
  py::tuple shape(dims.size());
  for (size_t i = 0; i < dims.size(); ++i) shape[i] = dims[i];
  return shape;
}

void bind_graph(py::module_& m) {
  py::class_<Graph>(m, "Graph", "Ops recorded from layers; shapes are inferred as they are added.")
      .def(py::init<int64_t, Algorithms, bool, int>(), py::arg("lanes") = kLanes,
           py::arg("algorithms") = Algorithms{}, py::arg("few") = true, py::arg("gpu") = -1)
      .def_property("label", &Graph::label, &Graph::set_label)
      .def_property("bfloat16", &Graph::bfloat16, &Graph::set_bfloat16)
      .def("input", &Graph::input, py::arg("shape"), py::arg("name"))
      .def("parameter", &Graph::parameter, py::arg("shape"), py::arg("name"))
      .def("state", &Graph::state, py::arg("shape"), py::arg("name"))
      .def("accumulator", &Graph::accumulator, py::arg("name"))
      .def(
          "constant",
          [](Graph& g, const FloatArray& array) {
            Dims shape(array.shape(), array.shape() + array.ndim());
            return g.constant(shape, std::vector<float>(array.data(), array.data() + array.size()));
          },
          py::arg("array"))
      .def(
          "add",
          [](Graph& g, const std::string& op, const py::sequence& inputs, const py::dict& attrs) {
            std::vector<ValueId> outputs = g.add(op, to_inputs(inputs), to_attrs(attrs));
            // Masks are for the gradient alone.
            std::erase_if(outputs,
                          [&](ValueId id) { return g.value(id).storage == Storage::Bits; });
            return outputs;
          },
          py::arg("op"), py::arg("inputs"), py::arg("attrs") = py::dict())
      .def(
          "update",
          [](Graph& g, const std::string& op, const py::sequence& inputs, const py::dict& attrs) {
            return g.update(op, to_inputs(inputs), to_attrs(attrs));
          },
          py::arg("op"), py::arg("inputs"), py::arg("attrs") = py::dict())
      .def("rows_looked_up", &Graph::rows_looked_up, py::arg("table"), py::arg("gradient"))
      .def(
          "update_rows",
          [](Graph& g, const std::string& op, ValueId table, ValueId gradient,
             const std::vector<ValueId>& slots, const py::dict& attrs) {
            return g.update_rows(op, table, gradient, slots, to_attrs(attrs));
          },
          py::arg("op"), py::arg("table"), py::arg("gradient"), py::arg("slots"), py::arg("attrs"))
      .def("fuse", &Graph::fuse, py::arg("keep"))
      .def("backward", &Graph::backward, py::arg("losses"),
           py::arg("seeds") = std::map<ValueId, ValueId>{}, py::arg("wrt") = std::vector<ValueId>{})
      .def(
          "shape", [](const Graph& g, ValueId id) { return to_tuple(g.value(id).shape); },
          py::arg("id"))
      .def(
          "storage", [](const Graph& g, ValueId id) { return name_of(g.value(id).storage); },
          py::arg("id"))
      .def(
          "fold", [](const Graph& g, ValueId id) { return g.value(id).fold; }, py::arg("id"))
      .def("made_by_unit", &Graph::made_by_unit, py::arg("id"))
      .def("__len__", [](const Graph& g) {
        return std::count_if(g.nodes().begin(), g.nodes().end(),
                             [](const Node& node) { return !node.dead; });
      });
}

}  // namespace convnet::bindings
