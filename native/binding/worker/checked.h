#pragma once

#include <napi.h>

#include "aten.h"
#include "binding/worker/errors.h"

namespace maskrcnn::binding {

// For functions on plain arrays: what the operators themselves refuse is a value out of range, such
// as malformed run lengths or a roi too long to sample.
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
