#pragma once

#include <napi.h>

namespace maskrcnn::binding {

// libtorch's version, its threads, the CPU capability that it dispatches to, and whether it has a
// GPU.
Napi::Value environment(const Napi::CallbackInfo& info);
Napi::Value gpu_memory(const Napi::CallbackInfo& info);

}  // namespace maskrcnn::binding
