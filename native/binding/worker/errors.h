#pragma once

#include "binding/worker/failure.h"

namespace maskrcnn::binding {

// The exception being handled, in the terms of lib/basics/errors.ts. Call inside catch (...).
Failure current_failure();

// Calls `function` and turns whatever C++ throws into a JavaScript error.
template <typename Function>
auto guarded(Napi::Env env, Function function) {
  try {
    return function();
  } catch (const Napi::Error&) {
    throw;
  } catch (...) {
    throw to_error(env, current_failure());
  }
}

}  // namespace maskrcnn::binding
