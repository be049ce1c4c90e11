#pragma once

#include <napi.h>

#include <stdexcept>
#include <string>

namespace maskrcnn::binding {

// A failure with one of the codes of lib/errors.ts.
struct Failure : std::runtime_error {
  Failure(std::string code, const std::string& message)
      : std::runtime_error(message), code(std::move(code)) {}
  std::string code;
};

// The exception being handled, in the terms of lib/errors.ts. Call inside catch (...).
Failure current_failure();

Napi::Error to_error(Napi::Env env, const Failure& failure);

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
