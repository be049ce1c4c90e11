#pragma once

#include <napi.h>

namespace maskrcnn::binding {

// Finds the polygons of a mask on libuv's thread pool.
Napi::Value outlines(const Napi::CallbackInfo& info);

}  // namespace maskrcnn::binding
