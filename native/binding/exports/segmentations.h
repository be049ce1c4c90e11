#pragma once

#include <napi.h>

namespace maskrcnn::binding {

// Decodes the segmentations of the objects of one image on libuv's thread pool.
Napi::Value read_segmentations(const Napi::CallbackInfo& info);

}  // namespace maskrcnn::binding
