#pragma once

#include <napi.h>

#include <algorithm>
#include <cstdint>
#include <utility>
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

// As to_array(), but JavaScript gets the memory of large values, except in Electron, which allows
// no memory but its own. A copy of many megabytes would hold the event loop.
template <typename Array, typename T>
Array hand_over(Napi::Env env, std::vector<T>&& values) {
  constexpr size_t kLarge = size_t{1} << 20;  // memory of its own makes an array slow to collect
  const auto length = values.size(), bytes = length * sizeof(T);
  if (bytes < kLarge) return to_array<Array>(env, values);
  auto* owner = new std::vector<T>(std::move(values));
  const auto release = [](Napi::Env, uint8_t*, std::vector<T>* owned) { delete owned; };
  const auto buffer = Napi::Buffer<uint8_t>::NewOrCopy(
      env, reinterpret_cast<uint8_t*>(owner->data()), bytes, release, owner);
  return Array::New(env, length, buffer.ArrayBuffer(), buffer.ByteOffset());
}

inline Napi::Object to_object(Napi::Env env, ops::Crop&& crop) {
  auto mask = Napi::Object::New(env);
  mask.Set("left", static_cast<double>(crop.left));
  mask.Set("top", static_cast<double>(crop.top));
  mask.Set("width", static_cast<double>(crop.width));
  mask.Set("height", static_cast<double>(crop.height));
  mask.Set("data", hand_over<Napi::Uint8Array>(env, std::move(crop.bitmap)));
  return mask;
}

}  // namespace maskrcnn::binding
