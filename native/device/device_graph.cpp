#include "device/device_graph.h"

#include "device/cuda_graph.h"

#if __has_include(<ATen/accelerator/Graph.h>)

#include <ATen/accelerator/Graph.h>

namespace maskrcnn {

namespace {

// libtorch's device-independent interface for graphs, available since 2.13.
class RegisteredGraph final : public DeviceGraph {
 public:
  void begin_capture(c10::MempoolId_t pool) override {
    graph_.capture_begin(pool, at::GraphCaptureMode::ThreadLocal);
  }
  void end_capture() override { graph_.capture_end(); }
  void replay() override { graph_.replay(); }
  c10::MempoolId_t pool() override { return graph_.pool(); }

 private:
  at::accelerator::Graph graph_;
};

}  // namespace

std::unique_ptr<DeviceGraph> make_device_graph(c10::DeviceType device) {
  if (at::has_graph_impl(device)) return std::make_unique<RegisteredGraph>();
  return device == c10::kCUDA ? make_cuda_graph() : nullptr;
}

}  // namespace maskrcnn

#else

namespace maskrcnn {

std::unique_ptr<DeviceGraph> make_device_graph(c10::DeviceType device) {
  return device == c10::kCUDA ? make_cuda_graph() : nullptr;
}

}  // namespace maskrcnn

#endif
