// A backend of c10d for the stand-in's memory, as NCCL is one for that of GPUs: Gloo on the same
// bytes.
#include "stand_in/backend.h"

#ifdef MASKRCNN_HAS_GLOO

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <utility>

#include "distributed/device_backend.h"
#include "stand_in/operators.h"

namespace maskrcnn::stand_in {

namespace {

std::atomic<int64_t> delay{0};  // milliseconds

class Backend final : public c10d::Backend {
 public:
  using Work = c10::intrusive_ptr<c10d::Work>;

  explicit Backend(c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo)
      : c10d::Backend(gloo->getRank(), gloo->getSize()), gloo_(std::move(gloo)) {}

  ~Backend() override {
    if (beginning_ == 0) return;
    std::fputs("A backend was freed while an operation of it began.\n", stderr);
    std::abort();
  }

  Work allreduce(std::vector<at::Tensor>& tensors, const c10d::AllreduceOptions& options) override {
    const Beginning beginning(*this);
    auto own = all_on_cpu(tensors);
    return gloo_->allreduce(own, options);
  }

  Work broadcast(std::vector<at::Tensor>& tensors, const c10d::BroadcastOptions& options) override {
    const Beginning beginning(*this);
    auto own = all_on_cpu(tensors);
    return gloo_->broadcast(own, options);
  }

  Work allgather(
      std::vector<std::vector<at::Tensor>>& results,
      std::vector<at::Tensor>& tensors,
      const c10d::AllgatherOptions& options) override {
    const Beginning beginning(*this);
    std::vector<std::vector<at::Tensor>> to{all_on_cpu(results.front())};
    auto own = all_on_cpu(tensors);
    return gloo_->allgather(to, own, options);
  }

 private:
  // While an operation begins.
  struct Beginning {
    explicit Beginning(Backend& of) : backend(of) {
      ++backend.beginning_;
      std::this_thread::sleep_for(std::chrono::milliseconds(delay));
    }
    ~Beginning() { --backend.beginning_; }
    Beginning(const Beginning&) = delete;
    Beginning& operator=(const Beginning&) = delete;

    Backend& backend;
  };

  static std::vector<at::Tensor> all_on_cpu(const std::vector<at::Tensor>& tensors) {
    std::vector<at::Tensor> own;
    for (const auto& tensor : tensors) own.push_back(on_cpu(tensor));
    return own;
  }

  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo_;
  std::atomic<int> beginning_{0};  // number of operations
};

}  // namespace

void delay_operations(int64_t milliseconds) {
  delay = milliseconds;
}

}  // namespace maskrcnn::stand_in

extern "C" [[gnu::visibility("default")]] void maskrcnn_make_device_backend(
    const maskrcnn::DeviceBackendOptions& options, c10::intrusive_ptr<c10d::Backend>& made) {
  const auto how = c10d::ProcessGroupGloo::Options::create(options.timeout);
  how->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1"));
  made = c10::make_intrusive<maskrcnn::stand_in::Backend>(
      c10::make_intrusive<c10d::ProcessGroupGloo>(options.store, options.rank, options.size, how));
}

#else

namespace maskrcnn::stand_in {

void delay_operations(int64_t) {}

}  // namespace maskrcnn::stand_in

#endif
