#include "device/captured_forward.h"

#include <ATen/autocast_mode.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "device/device_graph.h"

namespace maskrcnn {

struct CapturedGraph {
  at::Tensor input;
  std::vector<at::Tensor> results;
  std::unique_ptr<DeviceGraph> graph;
};

namespace {

// Each captured shape takes as much memory as a forward pass.
constexpr size_t kMostShapes = 4;

// Disables autocast's cache of converted weights. A weight that autocast has already converted
// would not be converted inside the graph, and the graph would read its memory after it has been
// freed.
class WithoutCastCache {
 public:
  WithoutCastCache() { at::autocast::set_autocast_cache_enabled(false); }
  ~WithoutCastCache() { at::autocast::set_autocast_cache_enabled(was_enabled_); }
  WithoutCastCache(const WithoutCastCache&) = delete;
  WithoutCastCache& operator=(const WithoutCastCache&) = delete;

 private:
  const bool was_enabled_ = at::autocast::is_autocast_cache_enabled();
};

void let_wait(const c10::Stream& stream, const c10::Stream& for_stream) {
  c10::Event event(stream.device_type());
  event.record(for_stream);
  event.block(stream);
}

// libtorch can capture only one graph at a time in a process.
std::mutex one_at_a_time;

}  // namespace

// Returns null if the device has no graphs.
std::shared_ptr<CapturedGraph> CapturedForward::capture(
    const at::Tensor& input, const Forward& forward) {
  const std::lock_guard lock(one_at_a_time);
  auto graph = make_device_graph(input.device().type());
  if (graph == nullptr) return nullptr;
  const c10::impl::VirtualGuardImpl device(input.device().type());
  const auto usual = device.getStream(input.device());
  if (!stream_) stream_ = device.getStreamFromGlobalPool(input.device());
  const auto aside = *stream_;
  // The graphs never run at the same time, so they can share memory.
  c10::MempoolId_t pool{0, 0};
  for (const auto& shape : shapes_)
    if (shape.captured != nullptr) pool = shape.captured->graph->pool();

  const auto own_input = input.clone();
  std::vector<at::Tensor> results;
  const WithoutCastCache no_cache;
  let_wait(aside, usual);
  {
    const c10::StreamGuard guard(aside);
    // A warm-up: libraries set themselves up on their first call, and the graph must not repeat
    // that.
    forward(own_input);
    // Frees the warm-up's memory, so that it is not kept in addition to the graph's.
    device.synchronizeStream(aside);
    at::getDeviceAllocator(input.device().type())->emptyCache();
    graph->begin_capture(pool);
    try {
      results = forward(own_input);
    } catch (...) {
      try {
        graph->end_capture();
      } catch (const c10::Error&) {
        // The first error has more information.
      }
      throw;
    }
    graph->end_capture();
  }
  let_wait(usual, aside);
  return std::make_shared<CapturedGraph>(
      CapturedGraph{own_input, std::move(results), std::move(graph)});
}

std::vector<at::Tensor> CapturedForward::run(
    const at::Tensor& input, const std::vector<at::Tensor>& weights, const Forward& forward) {
  if (TensorStates now(weights); now != weights_) {
    shapes_.clear();
    weights_ = std::move(now);
  }
  const auto found = std::find_if(shapes_.begin(), shapes_.end(), [&](const Shape& shape) {
    return input.sizes().equals(shape.sizes);
  });
  if (found == shapes_.end()) {
    shapes_.push_front({input.sizes().vec(), nullptr, true});
    if (shapes_.size() > kMostShapes) shapes_.pop_back();
    return forward(input);
  }
  shapes_.splice(shapes_.begin(), shapes_, found);
  auto& [sizes, captured, is_capturable] = shapes_.front();
  if (captured != nullptr) {
    captured->input.copy_(input);
  } else if (is_capturable) {
    try {
      captured = capture(input, forward);
      is_capturable = captured != nullptr;
    } catch (const c10::Error& error) {
      is_capturable = false;
      TORCH_WARN("no graph for inputs of ", sizes, ": ", error.what_without_backtrace());
    }
  }
  if (captured == nullptr) return forward(input);
  captured->graph->replay();
  return captured->results;
}

int64_t CapturedForward::count() const {
  return std::count_if(
      shapes_.begin(), shapes_.end(), [](const Shape& shape) { return shape.captured != nullptr; });
}

}  // namespace maskrcnn
