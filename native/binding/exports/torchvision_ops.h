#pragma once

#include <napi.h>

namespace maskrcnn::binding {

// The `torchvisionOps` of binding.d.ts: torchvision's operators on the CPU, if its library is
// loaded. They serve to check our own operators.
Napi::Object make_torchvision_ops(Napi::Env env);

}  // namespace maskrcnn::binding
