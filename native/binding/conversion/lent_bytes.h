#pragma once

#include <napi.h>

#include "aten.h"

namespace maskrcnn::binding {

// A Uint8Array that shares its memory with a tensor. What JavaScript reads into it becomes a tensor
// without a copy.
Napi::Value lend_bytes(const Napi::CallbackInfo& info);

// Detaches the buffer of an array that is the whole of it, which frees its memory.
Napi::Value free_bytes(const Napi::CallbackInfo& info);

// The tensor [length] u8 with its memory at `data`. Undefined if no such memory was lent or if the
// tensor was already taken. Detach the array afterwards, because the memory is no longer kept for
// it.
at::Tensor take_lent(const uint8_t* data, int64_t length);

}  // namespace maskrcnn::binding
