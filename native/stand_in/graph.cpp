// Captured graphs, similar to CUDA's, if libtorch has its interface for graphs of any device.
#include "stand_in/graph.h"

#include <memory>
#include <utility>
#include <vector>

#include "stand_in/journal.h"
#include "stand_in/operators.h"

namespace maskrcnn::stand_in {

namespace {

thread_local std::vector<Call>* captured = nullptr;

}  // namespace

bool is_capturing() {
  return captured != nullptr;
}

void capture(Call call) {
  captured->push_back(std::move(call));
}

}  // namespace maskrcnn::stand_in

#if __has_include(<ATen/core/GraphImplInterface.h>)

#include <ATen/core/GraphImplInterface.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace maskrcnn::stand_in {

namespace {

struct Graph final : at::GraphImplInterface {
  explicit Graph(const at::GraphImplArgs&) {}

  void capture_begin(at::MempoolId_t, at::GraphCaptureMode) override {
    const c10::Device device{c10::DeviceType::MTIA, 0};
    const c10::impl::VirtualGuardImpl guard(device.type());
    TORCH_CHECK(
        guard.getStream(device) != guard.getDefaultStream(device),
        "graphs are captured on a stream that is not the default one");
    TORCH_CHECK(!is_capturing(), "a graph is being captured already");
    captured = &calls_;
  }
  void capture_end() override {
    TORCH_CHECK(captured == &calls_, "this graph is not being captured");
    captured = nullptr;
  }
  void instantiate() override {}
  void replay() override {
    TORCH_CHECK(!calls_.empty(), "the graph is empty");
    note_replay();
    for (const auto& call : calls_) repeat(call);
  }
  void reset() override {
    if (captured == &calls_) captured = nullptr;
    calls_.clear();
  }
  at::MempoolId_t pool() const override { return {0, 0}; }
  void enable_debug_mode() override {}
  void debug_dump(const std::string&) override {}

  ~Graph() override { reset(); }

 private:
  std::vector<Call> calls_;
};

}  // namespace

}  // namespace maskrcnn::stand_in

namespace at {
using StandInGraph = maskrcnn::stand_in::Graph;
REGISTER_GRAPH_IMPL(MTIA, StandInGraph)
}  // namespace at

#endif
