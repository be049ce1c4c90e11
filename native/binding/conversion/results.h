#pragma once

#include <napi.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "masks/rle.h"

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

inline Napi::Object to_object(Napi::Env env, const ops::Crop& crop) {
  auto mask = Napi::Object::New(env);
  mask.Set("left", static_cast<double>(crop.left));
  mask.Set("top", static_cast<double>(crop.top));
  mask.Set("width", static_cast<double>(crop.width));
  mask.Set("height", static_cast<double>(crop.height));
  mask.Set("data", to_array<Napi::Uint8Array>(env, crop.bitmap));
  return mask;
}

}  // namespace maskrcnn::binding
