// Registers one device with libtorch. Its type is MTIA (Meta's accelerators), which libtorch knows
// but leaves to others to implement.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/detail/MTIAHooksInterface.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include "stand_in/graph.h"
#include "stand_in/journal.h"
#include "stand_in/memory.h"

namespace maskrcnn::stand_in {

namespace {

constexpr auto kType = c10::DeviceType::MTIA;
const c10::Device only{kType, 0};

// Its two streams never have pending work. There are two so that a capture on the default stream
// can be refused, as CUDA does.
struct Guard final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return kType; }
  c10::Device exchangeDevice(c10::Device) const override { return only; }
  c10::Device getDevice() const override { return only; }
  void setDevice(c10::Device device) const override {
    TORCH_CHECK(device == only, "there is no device ", device);
  }
  void uncheckedSetDevice(c10::Device) const noexcept override {}
  c10::Stream getStream(c10::Device) const override { return current; }
  c10::Stream getDefaultStream(c10::Device) const override {
    return c10::Stream(c10::Stream::DEFAULT, only);
  }
  c10::Stream getStreamFromGlobalPool(c10::Device, bool) const override {
    return c10::Stream(c10::Stream::UNSAFE, only, 1);
  }
  c10::Stream exchangeStream(c10::Stream stream) const override {
    return std::exchange(current, stream);
  }
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }
  void record(void** event, const c10::Stream&, c10::DeviceIndex, c10::EventFlag) const override {
    // An event stores the number of operators at the time when it was recorded.
    if (*event == nullptr) *event = new int64_t;
    *static_cast<int64_t*>(*event) = operators_so_far();
  }
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
  void destroyEvent(void* event, c10::DeviceIndex) const noexcept override {
    delete static_cast<int64_t*>(event);
  }
  void synchronizeEvent(void* event) const override {
    note_wait("event", *static_cast<int64_t*>(event));
  }
  void synchronizeStream(const c10::Stream&) const override {
    note_wait("stream", operators_so_far());
  }
  bool queryStream(const c10::Stream&) const override { return true; }
  bool isStreamCapturing(const c10::Stream&) const override { return is_capturing(); }

 private:
  static thread_local c10::Stream current;
};

thread_local c10::Stream Guard::current{c10::Stream::DEFAULT, only};

C10_REGISTER_GUARD_IMPL(MTIA, Guard)

struct Hooks final : at::MTIAHooksInterface {
  // Some releases of libtorch pass an argument, which has no meaning.
  template <typename... Arguments>
  explicit Hooks(const Arguments&...) {}
  bool hasMTIA() const override { return true; }
  bool isBuilt() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  c10::DeviceIndex deviceCount() const override { return 1; }
  bool isPinnedPtr(const void* address) const override { return is_pinned(address); }
  c10::Allocator* getPinnedMemoryAllocator() const override { return &pinned_memory(); }
  // Used when the seeds of all devices are set.
  const at::Generator& getDefaultGenerator(c10::DeviceIndex) const override {
    static const auto generator = at::detail::createCPUGenerator();
    return generator;
  }
};

const bool is_registered = [] {
  c10::SetAllocator(kType, &device_memory());
  return true;
}();

}  // namespace

}  // namespace maskrcnn::stand_in

namespace at {
// The class name that libtorch looks for.
using MTIAHooks = maskrcnn::stand_in::Hooks;
REGISTER_MTIA_HOOKS(MTIAHooks)
}  // namespace at
