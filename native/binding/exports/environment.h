#pragma once

#include <napi.h>

namespace maskrcnn::binding {

// libtorch's version, its number of threads, the CPU capability that it dispatches to, the number
// of GPUs, and whether torchvision's operators are loaded.
Napi::Value environment(const Napi::CallbackInfo& info);
// setThreads(count): what environment().threads is from now on.
Napi::Value set_threads(const Napi::CallbackInfo& info);
Napi::Value gpu_memory(const Napi::CallbackInfo& info);

}  // namespace maskrcnn::binding
