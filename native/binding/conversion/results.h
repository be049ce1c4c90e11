#pragma once

#include <napi.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace maskrcnn::binding {

// Converts C++ values to JavaScript typed arrays.

template <typename Array, typename T>
Array to_array(Napi::Env env, const T* data, int64_t length) {
  auto array = Array::New(env, static_cast<size_t>(length));
  std::copy_n(data, length, array.Data());
  return array;
}

template <typename Array, typename T>
Array to_array(Napi::Env env, const std::vector<T>& values) {
  return to_array<Array>(env, values.data(), static_cast<int64_t>(values.size()));
}

}  // namespace maskrcnn::binding
