#include "model/captured_forward.h"

#include <algorithm>

#if __has_include(<ATen/accelerator/Graph.h>)

#include <ATen/accelerator/Graph.h>
#include <ATen/autocast_mode.h>
#include <c10/core/Event.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace maskrcnn {

struct CapturedGraph {
  at::Tensor input;
  std::vector<at::Tensor> results;
  at::accelerator::Graph graph;
};

namespace {

// Each takes as much memory as a pass does.
constexpr size_t kMostShapes = 4;

// Weights that autocast has converted before are not part of a graph: it would read their memory
// when it is no longer theirs.
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

std::shared_ptr<CapturedGraph> capture(
    const at::Tensor& input, const CapturedForward::Forward& forward) {
  const c10::impl::VirtualGuardImpl device(input.device().type());
  const auto usual = device.getStream(input.device());
  const auto aside = device.getStreamFromGlobalPool(input.device());
  const auto captured = std::make_shared<CapturedGraph>();
  captured->input = input.clone();

  const WithoutCastCache no_cache;
  let_wait(aside, usual);
  {
    const c10::StreamGuard guard(aside);
    // What libraries set up when they are first called is not to be repeated.
    forward(captured->input);
    captured->graph.capture_begin(/*pool=*/{0, 0}, at::GraphCaptureMode::ThreadLocal);
    try {
      captured->results = forward(captured->input);
    } catch (...) {
      try {
        captured->graph.capture_end();
      } catch (const c10::Error&) {
        // The first error says more.
      }
      throw;
    }
    captured->graph.capture_end();
  }
  let_wait(usual, aside);
  return captured;
}

}  // namespace

std::vector<at::Tensor> CapturedForward::run(const at::Tensor& input, const Forward& forward) {
  if (!at::has_graph_impl(input.device().type())) return forward(input);
  const auto found = std::find_if(shapes_.begin(), shapes_.end(), [&](const Shape& shape) {
    return input.sizes().equals(shape.sizes);
  });
  if (found == shapes_.end()) {
    shapes_.push_front({input.sizes().vec(), nullptr});
    if (shapes_.size() > kMostShapes) shapes_.pop_back();
    return forward(input);
  }
  shapes_.splice(shapes_.begin(), shapes_, found);
  auto& captured = shapes_.front().graph;
  if (captured == nullptr) {
    captured = capture(input, forward);
  } else {
    captured->input.copy_(input);
  }
  captured->graph.replay();
  return captured->results;
}

}  // namespace maskrcnn

#else

namespace maskrcnn {

// Older libtorchs have graphs for CUDA alone, in a library that this one does not link.
std::vector<at::Tensor> CapturedForward::run(const at::Tensor& input, const Forward& forward) {
  return forward(input);
}

}  // namespace maskrcnn

#endif
