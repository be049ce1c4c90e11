#include "binding/exports/environment.h"

#include <ATen/Version.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <torch/version.h>

#include <limits>
#include <string>

#include "aten.h"
#include "binding/conversion/arguments.h"
#include "binding/worker/threads.h"
#include "kernels/processor.h"
#include "ops/torchvision.h"

namespace maskrcnn::binding {

Napi::Value environment(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  auto object = Napi::Object::New(env);
  object.Set("libtorch", TORCH_VERSION);
  object.Set("threads", Napi::Number::New(env, default_threads()));
  object.Set("cpuCapability", at::get_cpu_capability());
  object.Set("amx", Napi::Boolean::New(env, ops::has_amx()));
  const auto gpus = at::hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0;
  object.Set("gpus", Napi::Number::New(env, gpus));
  object.Set("torchvision", Napi::Boolean::New(env, ops::torchvision::are_loaded()));
  return object;
}

Napi::Value set_threads(const Napi::CallbackInfo& info) {
  set_default_threads(static_cast<int>(read_integer(info[0], "threads", 1, kMostThreads)));
  use_threads(default_threads());
  return info.Env().Undefined();
}

Napi::Value gpu_memory(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto gpus = at::hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0;
  const auto index = read_integer(info[0], "index", 0, std::numeric_limits<int8_t>::max());
  if (index >= gpus) {
    throw Napi::RangeError::New(
        env,
        "There is no GPU " + std::to_string(index) + ": libtorch sees " + std::to_string(gpus) +
            ".");
  }
  const auto stats = at::getDeviceAllocator(at::kCUDA)->getDeviceStats(index);
  const auto all = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
  const auto number = [&](int64_t bytes) {
    return Napi::Number::New(env, static_cast<double>(bytes));
  };
  auto object = Napi::Object::New(env);
  object.Set("allocated", number(stats.allocated_bytes[all].current));
  object.Set("reserved", number(stats.reserved_bytes[all].current));
  object.Set("peakReserved", number(stats.reserved_bytes[all].peak));
  return object;
}

}  // namespace maskrcnn::binding
