// A backend of c10d for the stand-in's memory, as NCCL is one for that of GPUs: Gloo on the same
// bytes.
#include "stand_in/backend.h"

#ifdef MASKRCNN_HAS_GLOO

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <utility>

#include "distributed/device_backend.h"
#include "stand_in/operators.h"

namespace maskrcnn::stand_in {

namespace {

// What the operations of all backends share.
std::mutex operations_mutex;
// Never destroyed, which would wait for operations that are held when the process ends.
auto& released = *new std::condition_variable;
bool holds = false;
Operations numbers{0, 0};

class Backend final : public c10d::Backend {
 public:
  using Work = c10::intrusive_ptr<c10d::Work>;

  explicit Backend(c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo)
      : c10d::Backend(gloo->getRank(), gloo->getSize()), gloo_(std::move(gloo)) {}

  ~Backend() override {
    const std::lock_guard lock(operations_mutex);
    if (held_ == 0) return;
    std::fputs("A backend was freed while an operation of it began.\n", stderr);
    std::abort();
  }

  Work allreduce(std::vector<at::Tensor>& tensors, const c10d::AllreduceOptions& options) override {
    hold();
    auto own = all_on_cpu(tensors);
    return begun(gloo_->allreduce(own, options));
  }

  Work broadcast(std::vector<at::Tensor>& tensors, const c10d::BroadcastOptions& options) override {
    hold();
    auto own = all_on_cpu(tensors);
    return begun(gloo_->broadcast(own, options));
  }

  Work allgather(
      std::vector<std::vector<at::Tensor>>& results,
      std::vector<at::Tensor>& tensors,
      const c10d::AllgatherOptions& options) override {
    hold();
    std::vector<std::vector<at::Tensor>> to{all_on_cpu(results.front())};
    auto own = all_on_cpu(tensors);
    return begun(gloo_->allgather(to, own, options));
  }

 private:
  void hold() {
    std::unique_lock lock(operations_mutex);
    ++held_;
    ++numbers.held;
    released.wait(lock, [] { return !holds; });
    --held_;
    --numbers.held;
  }

  static Work begun(Work work) {
    const std::lock_guard lock(operations_mutex);
    ++numbers.begun;
    return work;
  }

  static std::vector<at::Tensor> all_on_cpu(const std::vector<at::Tensor>& tensors) {
    std::vector<at::Tensor> own;
    for (const auto& tensor : tensors) own.push_back(on_cpu(tensor));
    return own;
  }

  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo_;
  int64_t held_ = 0;  // number of its operations
};

}  // namespace

Operations operations() {
  const std::lock_guard lock(operations_mutex);
  return numbers;
}

void hold_operations(bool is_held) {
  {
    const std::lock_guard lock(operations_mutex);
    holds = is_held;
  }
  released.notify_all();
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

Operations operations() {
  return {0, 0};
}

void hold_operations(bool) {}

}  // namespace maskrcnn::stand_in

#endif
