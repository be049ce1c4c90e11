#pragma once

#include <napi.h>

namespace maskrcnn::binding {

// Measures the objects of an image on libuv's thread pool and libtorch's threads.
Napi::Value measure(const Napi::CallbackInfo& info);

}  // namespace maskrcnn::binding
