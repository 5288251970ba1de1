// How many threads a run uses.
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>

#include "core/thread_pool.h"

namespace convnet {

namespace {

constexpr int kMostThreads = 256;

// CPU time this container may use, in CPUs; 0 where there is no limit.
double container_limit() {
  if (std::ifstream v2("/sys/fs/cgroup/cpu.max"); v2) {
    std::string quota;
    double period = 0;
    if (v2 >> quota >> period && quota != "max" && period > 0) return std::stod(quota) / period;
    return 0;
  }
  std::ifstream quota_file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  std::ifstream period_file("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  double quota = 0, period = 0;
  if (quota_file >> quota && period_file >> period && quota > 0 && period > 0)
    return quota / period;
  return 0;
}

// Physical cores among the CPUs this process may run on: siblings of a core count once.
int physical_cores() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  std::set<std::string> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &set)) continue;
    std::ifstream file("/sys/devices/system/cpu/cpu" + std::to_string(cpu) +
                       "/topology/thread_siblings_list");
    std::string siblings;
    cores.insert(file >> siblings ? siblings : std::to_string(cpu));
  }
  return std::max<int>(1, static_cast<int>(cores.size()));
}

int default_threads() {
  if (const char* text = std::getenv("CONVNET_NUM_THREADS"); text && *text) {
    char* end = nullptr;
    long n = std::strtol(text, &end, 10);
    if (*end || n < 1 || n > kMostThreads)
      throw std::invalid_argument(
          std::string("CONVNET_NUM_THREADS must be an integer from 1 to 256, got '") + text + "'");
    return static_cast<int>(n);
  }
  int n = physical_cores();
  if (double limit = container_limit(); limit > 0)
    n = std::min(n, std::max(1, static_cast<int>(std::ceil(limit))));
  return std::min(n, kMostThreads);
}

std::atomic<int> chosen{0};

}  // namespace

int num_threads() {
  int n = chosen.load(std::memory_order_relaxed);
  if (n == 0) chosen.store(n = default_threads(), std::memory_order_relaxed);
  return n;
}

void set_num_threads(int threads) {
  if (threads < 0 || threads > kMostThreads)
    throw std::invalid_argument(
        "Invalid value for argument `threads`. Expected an integer from 1 to 256. Received: " +
        std::to_string(threads));
  chosen.store(threads, std::memory_order_relaxed);
}

}  // namespace convnet
