#pragma once

#include <napi.h>

#include "aten.h"

namespace maskrcnn::binding {

// A Uint8Array whose memory is a tensor's, so that what JavaScript reads into it need not be copied
// to become one.
Napi::Value lend_bytes(const Napi::CallbackInfo& info);

// The tensor [length] u8 whose memory is at `data`; undefined where such was not lent, or was taken
// already. The array must then be detached: the memory is no longer kept for it.
at::Tensor take_lent(const uint8_t* data, int64_t length);

}  // namespace maskrcnn::binding
