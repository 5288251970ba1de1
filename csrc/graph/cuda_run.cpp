#include "graph/cuda_run.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "core/thread_pool.h"
#include "core/weights_version.h"
#include "graph/profile.h"
#include "graph/run.h"
#include "ops/op.h"

namespace convnet {

namespace {

constexpr size_t kMostSent = size_t{32} << 20;  // bytes of a chunk, if it has several steps
constexpr size_t kMostGraphs = 4;               // sizes of batches with a recorded step
// What a chunk should take: long enough for the host to keep up, short enough to stop between two.
constexpr std::chrono::milliseconds kLeastTime{4}, kMostTime{15};
constexpr size_t kWorthThreads = size_t{1} << 20;  // bytes to gather

// Forced tiles; the precision is that of each node.
cuda::Products products_of(const Graph& graph) {
  cuda::Products products{};
  std::sscanf(graph.forced("gemm").c_str(), "%dx%d", &products.rows, &products.columns);
  return products;
}

}  // namespace

CudaRun::CudaRun(const CudaPlan& plan, CudaWorkspace& workspace, void* const* bindings,
                 const StepInfo* steps, int64_t count, Timings* timings)
    : plan_(plan),
      ws_(workspace),
      backend_(cuda_backend()),
      steps_(steps),
      count_(count),
      inputs_(static_cast<size_t>(plan.input_count_)),
      feeds_(inputs_ + plan.outputs_.size()),
      scalars_(!steps->hyper ? 0
               : count > 1   ? steps[1].hyper - steps[0].hyper
                             : 2),
      timings_(timings) {
  bind(bindings);
  know_feeds();
  make_timers();
}

// Nothing may be on its way where an error ends a run.
CudaRun::~CudaRun() {
  if (!parts_[0].launched && !parts_[1].launched) return;
  backend_.synchronize(ws_.copies);
  backend_.synchronize(ws_.stream);
}

int64_t CudaRun::go(const std::function<Poll()>& poll) {
  send_weights();
  auto asked = finished_ = Clock::now();
  int64_t begun = 0;
  int now = 0;
  stage(now, 0);
  while (true) {
    launch(now);
    begun = parts_[now].end;
    finish(1 - now);
    if (begun == count_) break;
    if (poll && Clock::now() - asked >= kPollInterval) {
      asked = Clock::now();
      if (poll() != Poll::go_on) break;
    }
    now = 1 - now;
    stage(now, begun);
  }
  finish(now);
  fetch_sums();
  mark_weights();
  return begun;
}

void CudaRun::bind(void* const* bindings) {
  const std::vector<void*> bound(bindings, bindings + plan_.binding_count_);
  if (bound == ws_.bound) return;
  ws_.forget();
  ws_.bound.clear();
  ws_.mirrors.resize(bound.size());
  ws_.on_device.assign(bound.size(), nullptr);
  ws_.offsets.assign(bound.size(), 0);
  size_t travelling = 0;
  for (const auto& [id, index] : plan_.outside_.bound) {
    if (!plan_.binding_used_[index]) continue;
    if (plan_.blocks_[index].bytes) {
      ws_.mirrors[index] = mirror_of(plan_.blocks_[index], plan_.graph_.gpu());
      ws_.on_device[index] = ws_.mirrors[index]->at(bound[index]);
    } else {
      ws_.offsets[index] = travelling;
      travelling += align_on_gpu(value(id).bytes());
    }
  }
  make_room(ws_.travelling, travelling);
  make_room(ws_.travelling_host, travelling);
  for (const auto& [id, index] : plan_.outside_.bound)
    if (plan_.binding_used_[index] && !ws_.mirrors[index])
      ws_.on_device[index] = ws_.travelling.get() + ws_.offsets[index];
  ws_.bound = bound;
}

// Steps are recorded for types and sizes of rows.
void CudaRun::know_feeds() {
  const Feed* feeds = steps_[0].feeds;
  const auto same = [](const Feed& a, const Feed& b) {
    return a.row_bytes == b.row_bytes && a.type == b.type;
  };
  if (!std::equal(feeds, feeds + feeds_, ws_.feeds.begin(), ws_.feeds.end(), same)) ws_.forget();
  ws_.feeds.assign(feeds, feeds + feeds_);
}

void CudaRun::send_weights() {
  for (const auto& mirror : ws_.mirrors)
    if (mirror) mirror->refresh();
  mark_weights();  // also for those who ask while this runs
  size_t bytes = 0;
  for (const auto& [id, index] : plan_.outside_.bound) {
    if (!plan_.binding_used_[index] || ws_.mirrors[index]) continue;
    std::memcpy(ws_.travelling_host.get() + ws_.offsets[index], ws_.bound[index],
                value(id).bytes());
    bytes = ws_.offsets[index] + value(id).bytes();
  }
  ws_.stream.upload(ws_.travelling.get(), ws_.travelling_host.get(), bytes);
}

void CudaRun::mark_weights() {
  bool any = false;
  for (size_t i = 0; i < ws_.mirrors.size(); ++i)
    if (ws_.mirrors[i] && plan_.written_[i]) ws_.mirrors[i]->written(), any = true;
  if (any) weights_changed();
}

// Steps are recorded with timers or without.
void CudaRun::make_timers() {
  const size_t launches = plan_.order_.size(), timers = timings_ ? launches + 1 : 0;
  if (timings_) timings_->start(1, launches);
  if (ws_.timers.size() == timers) return;
  ws_.forget();
  ws_.timers.clear();
  while (ws_.timers.size() < timers) ws_.timers.emplace_back();
}

// What travels comes back with the end of a run.
void CudaRun::fetch_sums() {
  bool any = false;
  const auto each = [&](const auto& act) {
    for (const auto& [id, index] : plan_.outside_.bound)
      if (plan_.binding_used_[index] && plan_.written_[index] && !ws_.mirrors[index])
        any = true, act(index, value(id).bytes());
  };
  each([&](int index, size_t bytes) {
    ws_.stream.download(ws_.travelling_host.get() + ws_.offsets[index], ws_.on_device[index],
                        bytes);
  });
  if (!any) return;
  ws_.stream.synchronize();
  each([&](int index, size_t bytes) {
    std::memcpy(ws_.bound[index], ws_.travelling_host.get() + ws_.offsets[index], bytes);
  });
}

int64_t CudaRun::end_of_chunk(int64_t begin) const {
  const int64_t batch = steps_[begin].batch;
  int64_t bytes = 1;  // of a step
  for (size_t i = 0; i < feeds_; ++i)
    if (const Feed& feed = ws_.feeds[i]; !feed.on_gpu) bytes += batch * feed.row_bytes;
  const int64_t fitting = std::max<int64_t>(1, static_cast<int64_t>(kMostSent) / bytes);
  return std::min(count_, begin + std::min(fitting, ws_.steps_of_chunk));
}

// Sends the data of a chunk; where there is no memory for that, waits for the other chunk, lets go
// of what it holds, and sends fewer steps.
void CudaRun::stage(int which, int64_t begin) {
  const int64_t end = end_of_chunk(begin);
  try {
    stage(which, begin, end);
  } catch (const OutOfDeviceMemory&) {
    finish(1 - which);
    ChunkBuffer& other = ws_.chunks[1 - which];
    const bool held = other.received.get() || other.results.get();
    other.received = {}, other.results = {};
    if (end - begin == 1 && !held) throw;
    ws_.steps_of_chunk = ws_.most_steps_of_chunk = std::max<int64_t>(1, (end - begin) / 2);
    stage(which, begin);
  }
}

// Writes a chunk's data side by side and sends it.
void CudaRun::stage(int which, int64_t begin, int64_t end) {
  const size_t order_bytes =
      steps_[0].order ? static_cast<size_t>(row(end) - row(begin)) * sizeof(int64_t) : 0;
  const size_t table = align_on_gpu(sizeof(cuda::Chunk));
  const size_t order = table + align_on_gpu(feeds_ * sizeof(cuda::Rows));
  const size_t hyper = order + align_on_gpu(order_bytes);
  size_t bytes =
      hyper + align_on_gpu(static_cast<size_t>((end - begin) * scalars_) * sizeof(double));
  size_t result_bytes = 0;
  std::vector<size_t> offsets(feeds_);
  for (size_t i = 0; i < feeds_; ++i) {
    if (ws_.feeds[i].on_gpu) continue;
    size_t& total = i < inputs_ ? bytes : result_bytes;
    offsets[i] = total;
    total += align_on_gpu(static_cast<size_t>(rows(i, begin, end) * ws_.feeds[i].row_bytes));
  }
  ChunkBuffer& buffer = ws_.chunks[which];
  char* host = make_room(buffer.sent, bytes);
  char* device = make_room(buffer.received, bytes);
  char* results = make_room(buffer.results, result_bytes);
  make_room(buffer.fetched, result_bytes);

  const auto* on_device = reinterpret_cast<const cuda::Rows*>(device + table);
  auto* to = reinterpret_cast<cuda::Rows*>(host + table);
  for (size_t i = 0; i < feeds_; ++i) {
    const Feed& feed = ws_.feeds[i];
    const bool ordered = order_bytes && i < inputs_ && feed.on_gpu;
    char* data = !feed.on_gpu          ? (i < inputs_ ? device : results) + offsets[i]
                 : ordered || whole(i) ? feed.data
                                       : feed.data + (steps_[begin].first * feed.row_bytes);
    to[i] = {data, ordered ? reinterpret_cast<const int64_t*>(device + order) : nullptr};
    if (i < inputs_ && !feed.on_gpu) gather(host + offsets[i], feed, begin, end);
  }
  const StepInfo& first = steps_[begin];
  if (order_bytes) std::memcpy(host + order, first.order, order_bytes);
  if (scalars_)
    std::memcpy(host + hyper, first.hyper,
                static_cast<size_t>((end - begin) * scalars_) * sizeof(double));
  const uint64_t stride = count_ > 1 ? steps_[1].step - steps_[0].step : 0;
  *reinterpret_cast<cuda::Chunk*>(host) = {
      first.seed,  first.step, stride,
      first.batch, on_device,  reinterpret_cast<const double*>(device + hyper),
      scalars_,    0};
  ws_.copies.upload(device, host, bytes);
  buffer.arrived.record(ws_.copies);
  parts_[which] = {begin, end, false, {}};
}

void CudaRun::gather(char* to, const Feed& feed, int64_t begin, int64_t end) const {
  const int64_t* order = steps_[begin].order;
  const int64_t n = row(end) - row(begin);
  const auto row_bytes = static_cast<size_t>(feed.row_bytes);
  const auto part = [&](int64_t from, int64_t until) {
    if (!order) {
      std::memcpy(to + from * feed.row_bytes,
                  feed.data + (steps_[begin].first + from) * feed.row_bytes,
                  static_cast<size_t>(until - from) * row_bytes);
      return;
    }
    for (int64_t i = from; i < until; ++i)
      std::memcpy(to + i * feed.row_bytes, feed.data + order[i] * feed.row_bytes, row_bytes);
  };
  const int threads = num_threads();
  const auto share = [&](int thread) { part(n * thread / threads, n * (thread + 1) / threads); };
  const bool worth = threads > 1 && static_cast<size_t>(n) * row_bytes >= kWorthThreads;
  if (!worth || !ThreadPool::instance().try_run(threads, share)) part(0, n);
}

void CudaRun::launch(int which) {
  Part& part = parts_[which];
  ChunkBuffer& buffer = ws_.chunks[which];
  part.launched = true;
  part.start = Clock::now();
  buffer.arrived.hold(ws_.stream);
  ws_.stream.upload(ws_.chunk(), buffer.sent.get(), sizeof(cuda::Chunk));
  for (int64_t i = part.begin; i < part.end; ++i) replay(steps_[i].batch);
  const auto* table =
      reinterpret_cast<const cuda::Rows*>(buffer.sent.get() + align_on_gpu(sizeof(cuda::Chunk)));
  for (size_t i = inputs_; i < feeds_; ++i)
    if (const Feed& feed = ws_.feeds[i]; !feed.on_gpu)
      ws_.stream.download(buffer.fetched.get() + (table[i].data - buffer.results.get()),
                          table[i].data,
                          static_cast<size_t>(rows(i, part.begin, part.end) * feed.row_bytes));
  buffer.done.record(ws_.stream);
}

// Waits for a chunk, hands out its results, and finds how many steps one should have.
void CudaRun::finish(int which) {
  Part& part = parts_[which];
  if (!part.launched) return;
  ChunkBuffer& buffer = ws_.chunks[which];
  buffer.done.synchronize();
  part.launched = false;
  const auto* table =
      reinterpret_cast<const cuda::Rows*>(buffer.sent.get() + align_on_gpu(sizeof(cuda::Chunk)));
  for (size_t i = inputs_; i < feeds_; ++i)
    if (const Feed& feed = ws_.feeds[i]; !feed.on_gpu)
      std::memcpy(feed.data + (whole(i) ? 0 : steps_[part.begin].first * feed.row_bytes),
                  buffer.fetched.get() + (table[i].data - buffer.results.get()),
                  static_cast<size_t>(rows(i, part.begin, part.end) * feed.row_bytes));
  const auto now = Clock::now(), start = std::max(part.start, finished_);
  finished_ = now;
  if (now - start < kLeastTime && part.end - part.begin == ws_.steps_of_chunk)
    ws_.steps_of_chunk = std::min(2 * ws_.steps_of_chunk, ws_.most_steps_of_chunk);
  else if (now - start > kMostTime)
    ws_.steps_of_chunk = std::max<int64_t>(1, ws_.steps_of_chunk / 2);
}

void CudaRun::replay(int64_t batch) {
  auto it = ws_.graphs.find(batch);
  if (it == ws_.graphs.end()) {
    if (ws_.graphs.size() >= kMostGraphs) ws_.forget();
    it = ws_.graphs.emplace(batch, record(batch)).first;
  }
  check(backend_.replay(it->second, ws_.stream));
  if (timings_) read_timers();
}

void* CudaRun::record(int64_t batch) {
  check(backend_.begin_capture(ws_.stream));
  launch_all(batch);
  void* graph = nullptr;
  check(backend_.end_capture(ws_.stream, &graph));
  return graph;
}

void CudaRun::launch_all(int64_t batch) {
  cuda::Products products = products_of(plan_.graph_);
  backend_.begin_step(ws_.chunk(), ws_.step(), ws_.stream);
  auto timer = ws_.timers.begin();
  const auto note_time = [&] {
    if (timer != ws_.timers.end()) (timer++)->record(ws_.stream);
  };
  note_time();
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
    products.precision = node.precision;
    backend_.launch[node.op->kernel]({node.params.data(), data.data(), strides.data(), samples,
                                      batch, ws_.step(), ws_.feeds.data(),
                                      ws_.memory.get() + plan_.bytes_, ws_.stream, products});
    note_time();
  }
}

// The timers of the step that is at work.
void CudaRun::read_timers() {
  ws_.stream.synchronize();
  for (size_t i = 0; i < plan_.order_.size(); ++i)
    timings_->add(0, i, ws_.timers[i + 1].nanoseconds_since(ws_.timers[i]));
}

void* CudaRun::place(ValueId root) const {
  const int index = plan_.binding(root);
  return index >= 0 ? ws_.on_device[index] : ws_.memory.get() + plan_.offsets_.at(root);
}

}  // namespace convnet
