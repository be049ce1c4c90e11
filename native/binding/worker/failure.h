#pragma once

#include <napi.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace maskrcnn::binding {

// A failure with one of the codes of lib/basics/errors.ts.
struct Failure : std::runtime_error {
  Failure(std::string code, const std::string& message)
      : std::runtime_error(message), code(std::move(code)) {}
  std::string code;
};

inline Napi::Error to_error(Napi::Env env, const Failure& failure) {
  auto error = Napi::Error::New(env, failure.what());
  error.Set("code", Napi::String::New(env, failure.code));
  return error;
}

}  // namespace maskrcnn::binding
