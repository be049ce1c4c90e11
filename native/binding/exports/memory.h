#pragma once

#include <napi.h>

namespace maskrcnn::binding {

// Runs a BlockPool without memory, for tests.
Napi::Value place_blocks(const Napi::CallbackInfo& info);

}  // namespace maskrcnn::binding
