#include "core/device_array.h"

namespace convnet {

size_t bytes_of(FeedType type) {
  switch (type) {
    case FeedType::u8:
    case FeedType::i8:
    case FeedType::boolean:
      return 1;
    case FeedType::u16:
    case FeedType::i16:
      return 2;
    case FeedType::f32:
    case FeedType::u32:
    case FeedType::i32:
      return 4;
    case FeedType::f64:
    case FeedType::u64:
    case FeedType::i64:
      return 8;
  }
  return 0;
}

DeviceArray device_array(Dims shape, FeedType type, int gpu) {
  check_gpu(gpu);
  const OnGpu on(gpu);
  const size_t bytes = static_cast<size_t>(numel(shape)) * bytes_of(type);
  auto memory = std::make_shared<const DeviceMemory>(bytes ? bytes : 1);
  char* data = memory->get();
  return {std::move(memory), data, std::move(shape), type, gpu};
}

void upload(const DeviceArray& array, const void* host) {
  const OnGpu on(array.gpu);
  const CudaStream stream;
  stream.upload(array.data, host, array.bytes());
  stream.synchronize();
}

void download(const DeviceArray& array, void* host) {
  const OnGpu on(array.gpu);
  const CudaStream stream;
  stream.download(host, array.data, array.bytes());
  stream.synchronize();
}

}  // namespace convnet
