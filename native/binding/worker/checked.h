#pragma once

#include <napi.h>

#include "aten.h"
#include "binding/worker/errors.h"

namespace maskrcnn::binding {

// For functions on plain arrays. If an operator itself refuses a value, the value is out of range:
// malformed run lengths, for example, or a roi that is too long to sample. So the error is a
// RangeError.
template <Napi::Value (*Operator)(const Napi::CallbackInfo&)>
Napi::Value checked(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  return guarded(env, [&] {
    try {
      return Operator(info);
    } catch (const c10::OutOfMemoryError&) {
      throw;
    } catch (const c10::Error& error) {
      throw Napi::RangeError::New(env, error.what_without_backtrace());
    }
  });
}

}  // namespace maskrcnn::binding
