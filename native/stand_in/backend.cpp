// A backend of c10d for the stand-in's memory, as NCCL is one for that of GPUs: Gloo on the same
// bytes.
#ifdef MASKRCNN_HAS_GLOO

#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <utility>

#include "distributed/device_backend.h"
#include "stand_in/operators.h"

namespace maskrcnn::stand_in {

namespace {

class Backend final : public c10d::Backend {
 public:
  using Work = c10::intrusive_ptr<c10d::Work>;

  explicit Backend(c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo)
      : c10d::Backend(gloo->getRank(), gloo->getSize()), gloo_(std::move(gloo)) {}

  Work allreduce(std::vector<at::Tensor>& tensors, const c10d::AllreduceOptions& options) override {
    auto own = all_on_cpu(tensors);
    return gloo_->allreduce(own, options);
  }

  Work broadcast(std::vector<at::Tensor>& tensors, const c10d::BroadcastOptions& options) override {
    auto own = all_on_cpu(tensors);
    return gloo_->broadcast(own, options);
  }

  Work allgather(
      std::vector<std::vector<at::Tensor>>& results,
      std::vector<at::Tensor>& tensors,
      const c10d::AllgatherOptions& options) override {
    std::vector<std::vector<at::Tensor>> to{all_on_cpu(results.front())};
    auto own = all_on_cpu(tensors);
    return gloo_->allgather(to, own, options);
  }

 private:
  static std::vector<at::Tensor> all_on_cpu(const std::vector<at::Tensor>& tensors) {
    std::vector<at::Tensor> own;
    for (const auto& tensor : tensors) own.push_back(on_cpu(tensor));
    return own;
  }

  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo_;
};

}  // namespace

}  // namespace maskrcnn::stand_in

extern "C" [[gnu::visibility("default")]] void maskrcnn_make_device_backend(
    const maskrcnn::DeviceBackendOptions& options, c10::intrusive_ptr<c10d::Backend>& made) {
  const auto how = c10d::ProcessGroupGloo::Options::create(options.timeout);
  how->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1"));
  made = c10::make_intrusive<maskrcnn::stand_in::Backend>(
      c10::make_intrusive<c10d::ProcessGroupGloo>(options.store, options.rank, options.size, how));
}

#endif
