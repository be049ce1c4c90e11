#pragma once

#include <napi.h>

namespace maskrcnn::binding {

// The `torchvisionOps` of binding.d.ts: torchvision's operators on the CPU, where its library has
// been loaded, for holding ours against.
Napi::Object make_torchvision_ops(Napi::Env env);

}  // namespace maskrcnn::binding
