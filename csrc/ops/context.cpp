#include <stdexcept>

#include "ops/op.h"

namespace convnet {

namespace {

// An attribute as T; integers serve where a real number is asked for.
template <class T>
T convert(const InferContext& c, const std::string& name, const Attr& attr) {
  if (const T* value = std::get_if<T>(&attr)) return *value;
  if constexpr (std::is_same_v<T, double>)
    if (const int64_t* value = std::get_if<int64_t>(&attr)) return static_cast<double>(*value);
  if constexpr (std::is_same_v<T, Dims>)
    if (const auto* value = std::get_if<std::vector<double>>(&attr); value && value->empty())
      return {};
  c.fail("attribute '" + name + "' has the wrong type");
}

// The outputs of a node; of an equal one where there is one.
std::vector<ValueId> equal_or_new(Graph& graph, const std::string& op, std::vector<ValueId> inputs,
                                  Attrs attrs) {
  const Precision precision = graph.precision();
  for (const Node& node : graph.nodes())
    if (node.op->name == op && node.inputs == inputs && node.attrs == attrs &&
        node.precision == precision && !node.update)
      return node.outputs;
  return graph.add(op, std::move(inputs), std::move(attrs));
}

}  // namespace

const Value& InferContext::in(int i) const {
  if (!has(i)) fail("input " + std::to_string(i) + " is missing");
  return graph_.value(node_.inputs[i]);
}

int64_t InferContext::integer(const std::string& name) const {
  check(has_attr(name), "attribute '" + name + "' is missing");
  return convert<int64_t>(*this, name, node_.attrs.at(name));
}
int64_t InferContext::integer(const std::string& name, int64_t fallback) const {
  return has_attr(name) ? integer(name) : fallback;
}
double InferContext::real(const std::string& name) const {
  check(has_attr(name), "attribute '" + name + "' is missing");
  return convert<double>(*this, name, node_.attrs.at(name));
}
double InferContext::real(const std::string& name, double fallback) const {
  return has_attr(name) ? real(name) : fallback;
}
bool InferContext::flag(const std::string& name, bool fallback) const {
  return has_attr(name) ? convert<bool>(*this, name, node_.attrs.at(name)) : fallback;
}
std::string InferContext::text(const std::string& name, const std::string& fallback) const {
  return has_attr(name) ? convert<std::string>(*this, name, node_.attrs.at(name)) : fallback;
}
Dims InferContext::dims(const std::string& name) const {
  check(has_attr(name), "attribute '" + name + "' is missing");
  return convert<Dims>(*this, name, node_.attrs.at(name));
}
Dims InferContext::dims(const std::string& name, const Dims& fallback) const {
  return has_attr(name) ? dims(name) : fallback;
}

ValueId InferContext::output(Storage storage, Dims shape, int64_t fold) {
  Value value{.storage = storage, .shape = std::move(shape)};
  value.fold = fold;
  node_.outputs.push_back(graph_.add_value(std::move(value)));
  return node_.outputs.back();
}
ValueId InferContext::output_like(int i) { return output_like(i, in(i).shape); }
ValueId InferContext::output_like(int i, Dims shape) {
  return output(in(i).storage, std::move(shape), in(i).fold);
}

std::vector<ValueId> InferContext::compute(const std::string& op, std::vector<ValueId> inputs,
                                           Attrs attrs) {
  return equal_or_new(graph_, op, std::move(inputs), std::move(attrs));
}

std::vector<ValueId> InferContext::update(const std::string& op, std::vector<ValueId> inputs,
                                          Attrs attrs) {
  return graph_.update(op, std::move(inputs), std::move(attrs));
}

Storage InferContext::sum_over_samples() {
  if (lanes() != 1) return Storage::Slotted;
  scope(Scope::Batch);
  return Storage::Single;
}

void InferContext::derive(const std::string& op, std::vector<ValueId> inputs, Attrs attrs) {
  append_input(compute(op, std::move(inputs), std::move(attrs))[0]);
}

void InferContext::fail(const std::string& message) const {
  throw std::invalid_argument(std::string(node_.op->name) + ": " + message);
}

void InferContext::expect_shape(int i, const Dims& shape, const char* what) const {
  if (in(i).shape != shape)
    fail(std::string(what) + " must have shape " + to_string(shape) + ", got " +
         to_string(in(i).shape));
}

ValueId GradContext::in(int i) const {
  const auto& inputs = graph_.nodes()[node_].inputs;
  return i < static_cast<int>(inputs.size()) ? inputs[i] : kNone;
}
ValueId GradContext::out(int i) const { return graph_.nodes()[node_].outputs[i]; }
bool GradContext::needs(int i) const { return in(i) != kNone && needed_[in(i)]; }
std::string GradContext::text(const std::string& name, const std::string& fallback) const {
  auto it = attrs().find(name);
  return it == attrs().end() ? fallback : std::get<std::string>(it->second);
}
bool GradContext::flag(const std::string& name) const {
  auto it = attrs().find(name);
  return it != attrs().end() && std::get<bool>(it->second);
}
std::vector<ValueId> GradContext::add(const std::string& op, std::vector<ValueId> inputs,
                                      Attrs attrs) {
  return graph_.add(op, std::move(inputs), std::move(attrs));
}
ValueId GradContext::compute(const std::string& op, std::vector<ValueId> inputs, Attrs attrs) {
  return equal_or_new(graph_, op, std::move(inputs), std::move(attrs))[0];
}

}  // namespace convnet
