#include "graph/plan.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>

#include "bindings/bindings.h"
#include "bindings/device_array.h"
#include "core/weights_version.h"
#include "graph/cuda_plan.h"
#include "graph/profile.h"
#include "ops/op.h"

namespace py = pybind11;

namespace convnet::bindings {

namespace {

using Clock = std::chrono::steady_clock;
using Order = py::array_t<int64_t, py::array::c_style>;
using Hyper = py::array_t<double, py::array::c_style>;

// A plan and the memory its weights live in.
class BoundPlan {
 public:
  BoundPlan(const Graph& graph, std::vector<ValueId> outputs, int64_t capacity,
            const std::vector<ValueId>& bound, bool in_place)
      : program_(program(graph, std::move(outputs), capacity, bound, in_place)),
        plan_(*program_),
        pointers_(plan_.bindings()) {
    owners_.resize(plan_.bindings());
    for (size_t id = 0; id < graph.values().size(); ++id)
      if (graph.values()[id].role == Role::Input) inputs_.push_back(static_cast<ValueId>(id));
  }

  int64_t capacity() const { return plan_.capacity(); }
  int gpu() const { return plan_.graph().gpu(); }
  size_t device_bytes() const {
    const auto* plan = dynamic_cast<const CudaPlan*>(program_.get());
    return plan ? plan->device_bytes() : 0;
  }

  void bind(ValueId id, const py::array& array, bool resident) {
    const int index = plan_.binding(id);
    if (index < 0)
      throw py::value_error("value " + std::to_string(id) + " is not bound by this plan");
    const Value& value = plan_.graph().value(id);
    const bool wide = value.storage == Storage::Accumulator;
    if (array.dtype().kind() != 'f' || array.itemsize() != (wide ? 8 : 4) ||
        !(array.flags() & py::array::c_style))
      throw py::value_error(value.name + ": expected a contiguous " +
                            (wide ? "float64" : "float32") + " array");
    if (array.size() != value.features())
      throw py::value_error(value.name + ": expected " + std::to_string(value.features()) +
                            " elements, got " + std::to_string(array.size()));
    const HostRange block = resident ? block_of(array) : HostRange{};
    {
      py::gil_scoped_release nogil;
      program_->set_block(static_cast<size_t>(index), block);
    }
    pointers_[index] = const_cast<void*>(array.data());
    owners_[index] = array;
    weights_changed();
  }

  py::list predict(const py::dict& feeds, int64_t n) const {
    const Arrays arrays = arrays_of(feeds, n);
    std::vector<Feed> table = feeds_of(arrays);
    const bool on_gpu = !table.empty() && std::all_of(table.begin(), table.end(),
                                                      [](const Feed& f) { return f.on_gpu; });
    py::list results;
    for (ValueId id : plan_.outputs()) {
      const Result result = result_of(id, n, on_gpu);
      table.push_back(result.feed);
      results.append(result.array);
    }
    predict_steps(table, n);
    return results;
  }

  // The only output for the only input, in short calls half of the time of `predict`; None where
  // that has to be used: for anything but a contiguous array of numbers, of `n` samples.
  py::object predict_one(const py::object& x, int64_t n) const {
    if (inputs_.size() != 1 || plan_.outputs().size() != 1 || !takes(x, n)) return py::none();
    const py::array array = fed(py::reinterpret_borrow<py::array>(x));
    const Result result = result_of(plan_.outputs()[0], n, false);
    predict_steps({feed_of(array), result.feed}, n);
    return result.array;
  }

  // `results`: one array for each output, with a row for each entry of `order`.
  int64_t train(const py::dict& feeds, const Order& order, int64_t batch, const Hyper& hyper,
                double seconds,
                const std::vector<py::array_t<float, py::array::c_style>>& results) {
    if (plan_.in_place()) throw py::value_error("a plan that reads inputs in place only predicts");
    if (batch < 1 || batch > plan_.capacity())
      throw py::value_error("batch size must be from 1 to " + std::to_string(plan_.capacity()) +
                            ", got " + std::to_string(batch));
    if (hyper.ndim() != 2) throw py::value_error("hyper must have one row a step");
    const Arrays arrays = arrays_of(feeds, 0);
    std::vector<Feed> table = feeds_of(arrays);
    const int64_t n = order.size();
    if (results.size() != plan_.outputs().size())
      throw py::value_error("expected " + std::to_string(plan_.outputs().size()) +
                            " arrays for results, got " + std::to_string(results.size()));
    for (size_t i = 0; i < results.size(); ++i) {
      const Value& value = plan_.graph().value(plan_.outputs()[i]);
      if (results[i].size() != value.features() * (value.has_batch() ? n : 1))
        throw py::value_error("the array for result " + std::to_string(i) + " has the wrong size");
      table.push_back({reinterpret_cast<char*>(const_cast<float*>(results[i].data())),
                       value.features() * int64_t{sizeof(float)}, FeedType::f32});
    }
    const int64_t count = std::min<int64_t>(ceil_div(n, batch), hyper.shape(0));
    check_order(arrays, order.data(), std::min(n, count * batch));
    std::vector<StepInfo> steps;
    steps.reserve(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) {
      StepInfo info = step(std::min(batch, n - i * batch), i * batch, table);
      info.order = order.data() + i * batch;
      info.hyper = hyper.data() + i * hyper.shape(1);
      info.index = i;
      info.step += static_cast<uint64_t>(i);
      steps.push_back(info);
    }
    const int64_t done = run(steps, seconds);
    step_ += static_cast<uint64_t>(done);
    return done;
  }

  // Timing starts anew, or ends.
  void set_timed(bool timed) { profile_ = timed ? std::make_unique<Profile>(plan_) : nullptr; }
  bool timed() const { return profile_ != nullptr; }

  // What the calls of all runs since timing began did, in the order of the plan.
  py::dict profile() const {
    if (!profile_) throw py::value_error("this plan is not timed: set `timed` first");
    py::list calls;
    for (const CallProfile& call : profile_->calls()) calls.append(describe(call));
    py::dict result;
    result["steps"] = profile_->steps();
    result["threads"] = profile_->threads();
    result["calls"] = calls;
    return result;
  }

  uint64_t seed_ = 0, step_ = 0;

 private:
  static std::unique_ptr<Program> program(const Graph& graph, std::vector<ValueId> outputs,
                                          int64_t capacity, const std::vector<ValueId>& bound,
                                          bool in_place) {
    if (graph.cuda()) return std::make_unique<CudaPlan>(graph, std::move(outputs), capacity, bound);
    return std::make_unique<Plan>(graph, std::move(outputs), capacity, bound, in_place);
  }

  StepInfo step(int64_t batch, int64_t first, const std::vector<Feed>& feeds) const {
    const int64_t shards = ceil_div(batch, plan_.graph().lanes());
    return {batch, shards,  plan_.slots(shards), seed_,   step_,
            first, nullptr, feeds.data(),        nullptr, 0};
  }

  py::dict describe(const CallProfile& call) const {
    const Node& node = *call.node;
    py::dict result;
    result["op"] = node.op->name;
    result["label"] = node.label;
    result["shape"] =
        node.outputs.empty() ? py::tuple() : to_tuple(plan_.graph().value(node.outputs[0]).shape);
    result["layout"] = layout_of(plan_.graph(), node);
    result["scope"] = name_of(node.scope);
    result["algorithm"] = node.algorithm;
    result["calls"] = call.time.count;
    result["seconds"] = static_cast<double>(call.time.nanoseconds) * 1e-9;
    result["operations"] = call.operations;
    result["bytes"] = call.bytes;
    return result;
  }

  struct Result {
    py::object array;
    Feed feed;
  };
  Result result_of(ValueId id, int64_t n, bool on_gpu) const {
    const Value& value = plan_.graph().value(id);
    Dims shape = value.shape;
    if (value.has_batch()) shape.insert(shape.begin(), n);
    const int64_t row_bytes = value.features() * int64_t{sizeof(float)};
    if (on_gpu) {
      DeviceArray out = device_array(shape, FeedType::f32, plan_.graph().gpu());
      const Feed feed{out.data, row_bytes, FeedType::f32, true};
      return {py::cast(std::move(out)), feed};
    }
    py::array_t<float> out(shape);
    const Feed feed{reinterpret_cast<char*>(out.mutable_data()), row_bytes, FeedType::f32};
    return {std::move(out), feed};
  }

  void predict_steps(const std::vector<Feed>& table, int64_t n) const {
    std::vector<StepInfo> steps;
    int64_t first = 0;
    do {
      steps.push_back(
          step(std::min(plan_.capacity(), std::max<int64_t>(n - first, 1)), first, table));
      first += plan_.capacity();
    } while (first < n);
    run(steps, -1);
  }

  // Whether an object is an array of `n` samples that needs no look at it before it is fed.
  bool takes(const py::object& x, int64_t n) const {
    if (reinterpret_cast<PyObject*>(Py_TYPE(x.ptr())) !=
        reinterpret_cast<PyObject*>(py::detail::npy_api::get().PyArray_Type_))
      return false;
    const auto array = py::reinterpret_borrow<py::array>(x);
    const Dims& shape = plan_.graph().value(inputs_[0]).shape;
    const py::dtype dtype = array.dtype();
    const bool number = std::string_view("fiub").find(dtype.kind()) != std::string_view::npos;
    return number && (dtype.kind() != 'f' || dtype.itemsize() == 4 || dtype.itemsize() == 8) &&
           std::string_view("=|").find(dtype.byteorder()) != std::string_view::npos &&
           (array.flags() & py::array::c_style) &&
           array.ndim() == static_cast<py::ssize_t>(shape.size()) + 1 && array.shape(0) == n &&
           std::equal(shape.begin(), shape.end(), array.shape() + 1);
  }

  // What is read in place is float32.
  py::array fed(py::array array) const {
    if (!plan_.in_place() || feed_type(array.dtype()) == FeedType::f32) return array;
    return py::array_t<float, py::array::c_style | py::array::forcecast>(array);
  }

  // One array for each input, with at least so many rows.
  struct Input {
    py::object owner;
    Feed feed;
    int64_t rows;
  };
  using Arrays = std::vector<Input>;
  Arrays arrays_of(const py::dict& feeds, int64_t least_rows) const {
    Arrays arrays;
    for (ValueId id : inputs_) {
      const Value& value = plan_.graph().value(id);
      if (!feeds.contains(py::int_(id)))
        throw py::value_error("no array was given for input '" + value.name + "'");
      const py::object given = feeds[py::int_(id)];
      arrays.push_back(py::isinstance<DeviceArray>(given)
                           ? input_on_gpu(given, value)
                           : input_of(given.cast<py::array>(), value));
      if (const int64_t rows = arrays.back().rows; rows < least_rows)
        throw py::value_error("input '" + value.name + "': expected " + std::to_string(least_rows) +
                              " rows, got " + std::to_string(rows));
    }
    return arrays;
  }

  Input input_of(py::array array, const Value& value) const {
    if (!(array.flags() & py::array::c_style))
      throw py::value_error("input '" + value.name + "' must be contiguous");
    check_rows(Dims(array.shape(), array.shape() + array.ndim()), value);
    array = fed(std::move(array));
    const Feed feed = feed_of(array);
    return {array, feed, array.shape(0)};
  }

  Input input_on_gpu(const py::object& given, const Value& value) const {
    const auto& array = given.cast<const DeviceArray&>();
    const int gpu = plan_.graph().gpu();
    if (gpu != array.gpu)
      throw py::value_error("input '" + value.name + "' is on GPU " + std::to_string(array.gpu) +
                            ", the model runs on " +
                            (gpu < 0 ? "the CPU" : "GPU " + std::to_string(gpu)));
    check_rows(array.shape, value);
    const int64_t row_bytes = value.features() * static_cast<int64_t>(bytes_of(array.type));
    return {given, {array.data, row_bytes, array.type, true}, array.shape[0]};
  }

  static void check_rows(const Dims& shape, const Value& value) {
    const int64_t rows = shape.empty() ? 0 : shape[0];
    if (rows == 0 || numel(shape) / rows != value.features())
      throw py::value_error("input '" + value.name + "': expected at least one row of shape " +
                            to_string(value.shape) + ", got an array of shape " + to_string(shape));
  }

  static Feed feed_of(const py::array& array) {
    const auto rows = static_cast<int64_t>(array.shape(0));
    return {static_cast<char*>(const_cast<void*>(array.data())),
            rows ? static_cast<int64_t>(array.nbytes()) / rows : 0, feed_type(array.dtype())};
  }
  static std::vector<Feed> feeds_of(const Arrays& arrays) {
    std::vector<Feed> table;
    for (const Input& input : arrays) table.push_back(input.feed);
    return table;
  }

  void check_order(const Arrays& arrays, const int64_t* order, int64_t n) const {
    for (size_t input = 0; input < arrays.size(); ++input) {
      const int64_t rows = arrays[input].rows;
      for (int64_t i = 0; i < n; ++i)
        if (order[i] < 0 || order[i] >= rows)
          throw py::index_error("row " + std::to_string(order[i]) + " is not among the " +
                                std::to_string(rows) + " rows of input '" +
                                plan_.graph().value(inputs_[input]).name + "'");
    }
  }

  // A negative number of seconds: no limit.
  int64_t run(const std::vector<StepInfo>& steps, double seconds) const {
    for (size_t i = 0; i < pointers_.size(); ++i)
      if (!pointers_[i] && plan_.binding_used(i))
        throw py::value_error("a weight of this plan has no memory: call bind first");
    const auto start = Clock::now();
    bool interrupted = false;
    const std::function<Poll()> poll = [&] {
      {
        py::gil_scoped_acquire gil;
        interrupted = PyErr_CheckSignals() != 0;
      }
      if (interrupted) return Poll::cancel;
      const bool late =
          seconds >= 0 && std::chrono::duration<double>(Clock::now() - start).count() > seconds;
      return late ? Poll::finish_step : Poll::go_on;
    };
    Timings timings;
    int64_t done;
    {
      const bool timed = profile_ != nullptr;
      // What takes some microseconds keeps the lock: to hand it over would take a part of that.
      const bool brief = steps.size() == 1 && !plan_.pays_for_threads(steps[0].shards);
      std::optional<py::gil_scoped_release> nogil;
      if (!brief) nogil.emplace();
      done = plan_.run(pointers_.data(), steps.data(), static_cast<int64_t>(steps.size()), poll,
                       timed ? &timings : nullptr);
    }
    if (timings.threads() && profile_) profile_->add(timings, steps.data(), done);
    if (interrupted) throw py::error_already_set();
    return done;
  }

  std::vector<py::object> owners_;  // outlive the program, which may bring copies back
  std::unique_ptr<Program> program_;
  const Program& plan_;
  std::vector<ValueId> inputs_;
  std::vector<void*> pointers_;
  std::unique_ptr<Profile> profile_;  // null: not timed
};

}  // namespace

void bind_plan(py::module_& m) {
  py::class_<BoundPlan>(m, "Plan", "A graph made ready to run: kernels chosen, memory planned.")
      .def(py::init([](const Graph& graph, std::vector<ValueId> outputs, int64_t capacity,
                       const std::vector<ValueId>& bound, bool in_place) {
             return std::make_unique<BoundPlan>(graph, std::move(outputs), capacity, bound,
                                                in_place);
           }),
           py::arg("graph"), py::arg("outputs"), py::arg("capacity"),
           py::arg("bound") = std::vector<ValueId>{}, py::arg("in_place") = false)
      .def_property_readonly("capacity", &BoundPlan::capacity)
      .def_property_readonly("device_bytes", &BoundPlan::device_bytes,
                             "Bytes of a GPU's memory that runs take beside weights and data.")
      .def_readwrite("seed", &BoundPlan::seed_)
      .def_readwrite("step", &BoundPlan::step_)
      .def_property_readonly("gpu", &BoundPlan::gpu, "Number of the GPU; -1: the CPU.")
      .def_property("timed", &BoundPlan::timed, &BoundPlan::set_timed)
      .def("profile", &BoundPlan::profile)
      .def("bind", &BoundPlan::bind, py::arg("id"), py::arg("array"), py::arg("resident") = false,
           "`resident`: a GPU keeps a copy from run to run; see `fetch`.")
      .def("predict", &BoundPlan::predict, py::arg("feeds"), py::arg("n"))
      .def("predict_one", &BoundPlan::predict_one, py::arg("x"), py::arg("n"))
      .def("train", &BoundPlan::train, py::arg("feeds"), py::arg("order"), py::arg("batch_size"),
           py::arg("hyper"), py::arg("seconds") = -1.0,
           py::arg("results") = std::vector<py::array_t<float, py::array::c_style>>{});
}

}  // namespace convnet::bindings
