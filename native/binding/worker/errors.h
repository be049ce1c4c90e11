#pragma once

#include "binding/worker/failure.h"

namespace maskrcnn::binding {

// Converts the current exception to a Failure with a code of lib/basics/errors.ts. Call it inside
// catch (...).
Failure current_failure();

// Calls `function` and converts every C++ exception to a JavaScript error.
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
