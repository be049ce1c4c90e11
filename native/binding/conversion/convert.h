#pragma once

#include <napi.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "aten.h"
#include "model/targets.h"
#include "training/optimizer.h"

namespace maskrcnn::binding {

// Converts between JavaScript's values and the network's, in the forms of binding.d.ts. Everything
// here runs on the JavaScript thread and copies, unless it says otherwise. A wrong type throws
// TypeError, a wrong size RangeError.

at::Tensor to_image(const Napi::Value& value);  // [H,W,3] u8
std::vector<at::Tensor> to_images(const Napi::Value& value);
// Images of which those that are lent are not copied. `held` keeps the arrays of these alive; it
// must be destroyed on the JavaScript thread.
struct LentImages {
  std::vector<at::Tensor> images;  // [H,W,3] u8
  std::shared_ptr<void> held;
};
LentImages to_lent_images(const Napi::Value& value);
Target to_target(const Napi::Value& value);
std::vector<Target> to_targets(const Napi::Value& value);
// `consume` takes over the memory of arrays from lend_bytes(). It frees the memory of other large
// arrays as soon as they are copied.
NamedTensors to_named_tensors(const Napi::Value& value, bool consume = false);
at::Tensor to_bytes(const Napi::Value& value);  // [B] u8

Napi::Value from_named_tensors(Napi::Env env, const NamedTensors& tensors);
Napi::Value from_trace(Napi::Env env, const NamedTensors& tensors);
Napi::Float32Array from_floats(Napi::Env env, const at::Tensor& tensor);
Napi::Int32Array from_integers(Napi::Env env, const at::Tensor& tensor);
// A Uint8Array that shares the tensor's memory if the runtime allows it, otherwise a copy. The
// tensor must be contiguous.
Napi::Value from_bytes(Napi::Env env, const at::Tensor& tensor);
// The same of float32.
Napi::Float32Array lend_floats(Napi::Env env, const at::Tensor& tensor);
Napi::Array from_shape(Napi::Env env, at::IntArrayRef shape);

// For example "float32".
std::string dtype_name(at::ScalarType type);

}  // namespace maskrcnn::binding
