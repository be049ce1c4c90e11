#include "binding/environment.h"

#include <ATen/Version.h>
#include <torch/version.h>

#include "torch.h"

namespace maskrcnn::binding {

Napi::Value environment(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  auto object = Napi::Object::New(env);
  object.Set("libtorch", TORCH_VERSION);
  object.Set("threads", Napi::Number::New(env, at::get_num_threads()));
  object.Set("cpuCapability", at::get_cpu_capability());
  object.Set(
      "cuda",
      Napi::Boolean::New(env, at::hasCUDA() && at::detail::getCUDAHooks().deviceCount() > 0));
  return object;
}

}  // namespace maskrcnn::binding
