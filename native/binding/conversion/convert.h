#pragma once

#include <napi.h>

#include <string>
#include <utility>
#include <vector>

#include "aten.h"
#include "model/targets.h"
#include "training/optimizer.h"

namespace maskrcnn::binding {

// Between JavaScript's values and the network's, in the forms of binding.d.ts. Everything here runs
// on the JavaScript thread and copies; wrong types throw TypeError, wrong sizes RangeError.

at::Tensor to_image(const Napi::Value& value);  // [H,W,3] u8
std::vector<at::Tensor> to_images(const Napi::Value& value);
Target to_target(const Napi::Value& value);
std::vector<Target> to_targets(const Napi::Value& value);
// `consume` takes over the memory of arrays from lend_bytes(), and frees that of each other large
// one once it is copied.
NamedTensors to_named_tensors(const Napi::Value& value, bool consume = false);
at::Tensor to_bytes(const Napi::Value& value);  // [B] u8

Napi::Value from_named_tensors(Napi::Env env, const NamedTensors& tensors);
Napi::Value from_trace(Napi::Env env, const NamedTensors& tensors);
Napi::Float32Array from_floats(Napi::Env env, const at::Tensor& tensor);
Napi::Int32Array from_integers(Napi::Env env, const at::Tensor& tensor);
// A Uint8Array on the tensor's own memory, which must be contiguous, where the runtime allows that.
Napi::Value from_bytes(Napi::Env env, const at::Tensor& tensor);
Napi::Array from_shape(Napi::Env env, at::IntArrayRef shape);

// "float32" and its like.
std::string dtype_name(at::ScalarType type);

}  // namespace maskrcnn::binding
