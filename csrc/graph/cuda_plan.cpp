#include "graph/cuda_plan.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <stdexcept>

#include "core/weights_version.h"
#include "graph/mirror.h"
#include "graph/pack.h"
#include "graph/run.h"
#include "ops/op.h"

namespace convnet {

namespace {

constexpr size_t kAlign = 256;
constexpr int64_t kMostAhead = 64;  // steps that are launched and not yet waited for
constexpr size_t kMostGraphs = 4;   // sizes of batches with a recorded step

size_t align(size_t n) { return (n + kAlign - 1) / kAlign * kAlign; }

size_t element_bytes(const Value& v) {
  return v.storage == Storage::Bits          ? sizeof(uint16_t)
         : v.storage == Storage::Accumulator ? sizeof(double)
                                             : sizeof(float);
}

cuda::Products products_of(const Graph& graph) {
  cuda::Products products{graph.forced("precision") == "medium", 0, 0};
  std::sscanf(graph.forced("gemm").c_str(), "%dx%d", &products.rows, &products.columns);
  return products;
}

// Nodes after those that they read from, in the order of the graph otherwise.
class Sorter {
 public:
  Sorter(const Graph& graph, const std::vector<bool>& live)
      : graph_(graph), pending_(live) {}

  std::vector<NodeId> run() {
    for (const bool update : {false, true})
      for (size_t n = 0; n < pending_.size(); ++n)
        if (graph_.nodes()[n].update == update) visit(static_cast<NodeId>(n));
    return std::move(order_);
  }

 private:
  void visit(NodeId n) {
    if (!pending_[n]) return;
    pending_[n] = false;
    const Node& node = graph_.nodes()[n];
    for (ValueId id : node.inputs) {
      if (id == kNone) continue;
      const NodeId from = graph_.value(graph_.root(id)).producer;
      if (from != kNone) visit(from);
    }
    if (!node.op->view) order_.push_back(n);
  }

  const Graph& graph_;
  std::vector<bool> pending_;
  std::vector<NodeId> order_;
};

}  // namespace

// What a plan needs on the device from its first run on.
class CudaPlan::Workspace {
 public:
  explicit Workspace(const CudaPlan& plan)
      : memory(plan.bytes_ + plan.scratch_), state(align(sizeof(cuda::Run)) + sizeof(cuda::Step)) {
    check(cuda_backend().create_stream(&stream));
    for (const auto& [id, offset] : plan.offsets_) {
      const Value& value = plan.graph_.value(id);
      if (value.role == Role::Constant)
        upload(memory.get() + offset, value.constant.data(),
               value.constant.size() * sizeof(float));
    }
    check(cuda_backend().synchronize(stream));
  }
  ~Workspace() {
    forget();
    cuda_backend().destroy_stream(stream);
  }

  cuda::Run* run() const { return reinterpret_cast<cuda::Run*>(state.get()); }
  cuda::Step* step() const {
    return reinterpret_cast<cuda::Step*>(state.get() + align(sizeof(cuda::Run)));
  }
  void upload(void* device, const void* host, size_t bytes) {
    if (bytes) check(cuda_backend().upload(device, host, bytes, stream));
  }
  // Memory of at least so many bytes; steps that were recorded with another are forgotten.
  char* room(size_t which, size_t bytes) {
    if (rooms.size() <= which) rooms.resize(which + 1);
    if (rooms[which].bytes() < bytes || !rooms[which].get()) {
      forget();
      rooms[which] = {};
      rooms[which] = DeviceMemory(std::max<size_t>(bytes, 1));
    }
    return rooms[which].get();
  }
  void forget() {
    for (const auto& [batch, graph] : graphs) cuda_backend().destroy_graph(graph);
    graphs.clear();
  }

  const DeviceMemory memory, state;
  cuda::Stream stream = nullptr;
  std::vector<DeviceMemory> rooms;  // order, scalars of steps, then feeds
  std::vector<std::shared_ptr<Mirror>> mirrors;
  std::vector<void*> bound;         // what the caller has bound, on the host and on the device
  std::vector<void*> bound_device;
  std::vector<Feed> feeds;          // on the device
  std::map<int64_t, void*> graphs;  // recorded steps by size of batch
};

CudaPlan::CudaPlan(const Graph& graph, std::vector<ValueId> outputs, int64_t capacity,
                   const std::vector<ValueId>& bound)
    : Program(graph, std::move(outputs), capacity, bound) {
  const auto live = live_nodes(bound, [](size_t) { return false; });
  order_ = Sorter(graph_, live).run();
  written_.resize(binding_count_);
  for (NodeId n : order_) {
    const Node& node = graph_.nodes()[n];
    if (!cuda_backend().launch[node.op->kernel])
      throw NoCuda(std::string("There is no GPU kernel for the op '") + node.op->name + "' yet.");
    for (const auto* ids : {&node.inputs, &node.outputs})
      for (ValueId id : *ids) {
        if (id == kNone) continue;
        const int index = binding(graph_.root(id));
        if (index < 0) continue;
        binding_used_[index] = true;
        // Updates write what they are given; gradients that an update takes stay on the device.
        if (node.update || node.impure) written_[index] = true;
      }
  }
  for (ValueId id : bound) {
    const bool read = std::any_of(order_.begin(), order_.end(), [&](NodeId n) {
      const Node& node = graph_.nodes()[n];
      return node.update && std::count(node.inputs.begin(), node.inputs.end(), id);
    });
    if (!read) written_[binding(id)] = true;
  }
  plan_memory();
}

CudaPlan::~CudaPlan() = default;

size_t CudaPlan::bytes(ValueId id) const {
  const Value& value = graph_.value(id);
  const int64_t count = value.depends_on_batch() ? capacity_ : 1;
  return align(static_cast<size_t>(value.features() * count) * element_bytes(value));
}

void CudaPlan::plan_memory() {
  std::map<ValueId, Life> lives;
  for (size_t i = 0; i < order_.size(); ++i) {
    const Node& node = graph_.nodes()[order_[i]];
    const int at = static_cast<int>(i);
    for (const auto* ids : {&node.inputs, &node.outputs})
      for (ValueId id : *ids) {
        if (id == kNone) continue;
        id = graph_.root(id);
        if (binding(id) >= 0) continue;
        const bool constant = graph_.value(id).role == Role::Constant;
        const int last = constant ? static_cast<int>(order_.size()) : at;
        auto [life, fresh] = lives.try_emplace(id, Life{id, bytes(id), constant ? 0 : at, last});
        if (!fresh) life->second.last = std::max(life->second.last, last);
      }
    if (const auto scratch = cuda_backend().scratch[node.op->kernel])
      scratch_ = std::max(scratch_, align(scratch(node.params.data(), capacity_)));
  }
  std::vector<Life> all;
  for (const auto& [id, life] : lives) all.push_back(life);
  bytes_ = pack(all);
  for (const Life& life : all) offsets_[life.value] = life.offset;
}

// One call of CudaPlan::run.
class CudaRun {
 public:
  CudaRun(const CudaPlan& plan, CudaPlan::Workspace& workspace, void* const* bindings,
          const StepInfo* steps, int64_t count)
      : plan_(plan),
        ws_(workspace),
        backend_(cuda_backend()),
        steps_(steps),
        count_(count),
        version_(weights_version()) {
    bind(bindings);
    send_weights();
    send_steps();
    send_feeds();
  }

  int64_t go(const std::function<Poll()>& poll) {
    auto asked = std::chrono::steady_clock::now();
    int64_t done = 0;
    while (done < count_) {
      step(steps_[done++].batch);
      const auto now = std::chrono::steady_clock::now();
      const bool ask = poll && now - asked >= kPollInterval;
      if (!ask && done % kMostAhead) continue;
      check(backend_.synchronize(ws_.stream));
      if (!ask) continue;
      asked = now;
      if (poll() != Poll::go_on) break;
    }
    fetch(done);
    return done;
  }

 private:
  const Value& value(ValueId id) const { return plan_.graph_.value(id); }

  void bind(void* const* bindings) {
    const std::vector<void*> bound(bindings, bindings + plan_.binding_count_);
    if (bound == ws_.bound && !ws_.mirrors.empty()) return;
    ws_.forget();
    ws_.bound.clear();
    std::vector<HostRange> ranges;
    for (const auto& [id, index] : plan_.outside_.bound)
      if (plan_.binding_used_[index]) ranges.push_back(host_range(bound[index], id));
    ws_.mirrors = mirrors_of(ranges);
    ws_.bound_device.assign(bound.size(), nullptr);
    for (const auto& [id, index] : plan_.outside_.bound) {
      if (!plan_.binding_used_[index]) continue;
      const HostRange range = host_range(bound[index], id);
      for (const auto& mirror : ws_.mirrors)
        if (mirror->holds(range.begin, range.bytes))
          ws_.bound_device[index] = mirror->memory.get() + (range.begin - mirror->host);
    }
    ws_.bound = bound;
  }

  HostRange host_range(void* begin, ValueId id) const {
    const Value& v = value(id);
    return {static_cast<char*>(begin), static_cast<size_t>(v.features()) * element_bytes(v)};
  }

  void send_weights() {
    for (const auto& mirror : ws_.mirrors)
      if (mirror->version != version_) {
        ws_.upload(mirror->memory.get(), mirror->host, mirror->memory.bytes());
        mirror->version = version_;
      }
    // Sums are set to zero without notice.
    for (const auto& [id, index] : plan_.outside_.bound)
      if (value(id).storage == Storage::Accumulator && plan_.binding_used_[index])
        ws_.upload(ws_.bound_device[index], ws_.bound[index], host_range(nullptr, id).bytes);
  }

  int64_t samples() const { return (count_ - 1) * steps_[0].batch + steps_[count_ - 1].batch; }

  void send_steps() {
    const StepInfo& first = steps_[0];
    const int64_t scalars = !first.hyper ? 0 : count_ > 1 ? steps_[1].hyper - first.hyper : 2;
    const uint64_t stride = count_ > 1 ? steps_[1].step - first.step : 0;
    cuda::Run run{first.seed, first.step, stride, first.batch, nullptr, nullptr, scalars, 0};
    const size_t order = static_cast<size_t>(samples()) * sizeof(int64_t);
    const size_t hyper = static_cast<size_t>(scalars * count_) * sizeof(double);
    if (first.order) {
      run.order = reinterpret_cast<int64_t*>(ws_.room(0, order));
      ws_.upload(ws_.room(0, order), first.order, order);
    }
    if (scalars) {
      run.hyper = reinterpret_cast<double*>(ws_.room(1, hyper));
      ws_.upload(ws_.room(1, hyper), first.hyper, hyper);
    }
    ws_.upload(ws_.run(), &run, sizeof run);
    check(backend_.synchronize(ws_.stream));  // `run` is on the stack
  }

  // Rows that a feed has: those that the order names, or one for each sample.
  int64_t rows(const Feed&) const {
    if (!steps_[0].order) return samples();
    return *std::max_element(steps_[0].order, steps_[0].order + samples()) + 1;
  }

  void send_feeds() {
    const size_t inputs = static_cast<size_t>(plan_.input_count_);
    const size_t all = inputs + plan_.outputs_.size();
    std::vector<Feed> feeds(steps_[0].feeds, steps_[0].feeds + all);
    for (size_t i = 0; i < all; ++i) {
      const char* host = feeds[i].data;
      const bool whole = i >= inputs && !value(plan_.outputs_[i - inputs]).has_batch();
      const int64_t n = i < inputs ? rows(feeds[i]) : whole ? 1 : samples();
      const size_t bytes = static_cast<size_t>(n * feeds[i].row_bytes);
      feeds[i].data = ws_.room(2 + i, bytes);
      if (i < inputs) ws_.upload(feeds[i].data, host, bytes);
    }
    const auto same = [](const Feed& a, const Feed& b) {
      return a.data == b.data && a.row_bytes == b.row_bytes && a.type == b.type;
    };
    if (!std::equal(feeds.begin(), feeds.end(), ws_.feeds.begin(), ws_.feeds.end(), same))
      ws_.forget();
    ws_.feeds = std::move(feeds);
  }

  void step(int64_t batch) {
    auto it = ws_.graphs.find(batch);
    if (it == ws_.graphs.end()) {
      if (ws_.graphs.size() >= kMostGraphs) ws_.forget();
      check(backend_.begin_capture(ws_.stream));
      launch_all(batch);
      void* graph = nullptr;
      check(backend_.end_capture(ws_.stream, &graph));
      it = ws_.graphs.emplace(batch, graph).first;
    }
    check(backend_.replay(it->second, ws_.stream));
  }

  void launch_all(int64_t batch) {
    const cuda::Products products = products_of(plan_.graph_);
    backend_.begin_step(ws_.run(), ws_.step(), ws_.stream);
    for (NodeId n : plan_.order_) {
      const Node& node = plan_.graph_.nodes()[n];
      std::vector<ValueId> ids = node.inputs;
      ids.insert(ids.end(), node.outputs.begin(), node.outputs.end());
      std::vector<void*> data;
      std::vector<int64_t> strides;
      for (ValueId id : ids) {
        const ValueId root = id == kNone ? kNone : plan_.graph_.root(id);
        data.push_back(root == kNone ? nullptr : place(root));
        const bool batched = root != kNone && value(root).depends_on_batch();
        strides.push_back(batched ? value(root).features() : 0);
      }
      data.push_back(nullptr);  // a last result that is optional and not there
      const int64_t samples = plan_.graph_.touches_batch(node) ? batch : 1;
      backend_.launch[node.op->kernel](
          {node.params.data(), data.data(), strides.data(), samples, batch, ws_.step(),
           ws_.feeds.data(), ws_.memory.get() + plan_.bytes_, ws_.stream, products});
    }
  }

  void* place(ValueId root) const {
    const int index = plan_.binding(root);
    return index >= 0 ? ws_.bound_device[index] : ws_.memory.get() + plan_.offsets_.at(root);
  }

  // Results, and weights that have changed.
  void fetch(int64_t done) {
    const size_t inputs = static_cast<size_t>(plan_.input_count_);
    for (size_t i = 0; i < plan_.outputs_.size(); ++i) {
      const bool whole = !value(plan_.outputs_[i]).has_batch();
      const int64_t n = whole ? 1 : std::min(samples(), done * steps_[0].batch);
      const Feed& host = steps_[0].feeds[inputs + i];
      check(backend_.download(host.data, ws_.feeds[inputs + i].data,
                              static_cast<size_t>(n * host.row_bytes), ws_.stream));
    }
    bool changed = false;
    for (const auto& [id, index] : plan_.outside_.bound) {
      if (!plan_.written_[index] || !plan_.binding_used_[index]) continue;
      const HostRange range = host_range(ws_.bound[index], id);
      if (!range.bytes) continue;
      check(backend_.download(range.begin, ws_.bound_device[index], range.bytes, ws_.stream));
      changed = true;
    }
    check(backend_.synchronize(ws_.stream));
    if (!changed) return;
    // Unless somebody else has changed weights meanwhile, both sides are the same again.
    const bool alone = weights_version() == version_;
    weights_changed();
    for (const auto& mirror : ws_.mirrors) mirror->version = alone ? version_ + 1 : 0;
  }

  const CudaPlan& plan_;
  CudaPlan::Workspace& ws_;
  const cuda::Backend& backend_;
  const StepInfo* steps_;
  const int64_t count_;
  const uint64_t version_;
};

int64_t CudaPlan::run(void* const* bindings, const StepInfo* steps, int64_t count,
                      const std::function<Poll()>& poll, Timings*) const {
  if (count == 0) return 0;
  std::lock_guard lock(mutex_);
  check(cuda_backend().select(graph_.gpu()));
  if (!workspace_) workspace_ = std::make_unique<Workspace>(*this);
  return CudaRun(*this, *workspace_, bindings, steps, count).go(poll);
}

}  // namespace convnet
