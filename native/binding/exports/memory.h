#pragma once

#include <napi.h>

namespace maskrcnn::binding {

// A BlockPool on its own, for the tests.
Napi::Value place_blocks(const Napi::CallbackInfo& info);

}  // namespace maskrcnn::binding
