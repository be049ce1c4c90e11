#pragma once

#include <napi.h>

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "model/mask_rcnn.h"
#include "model/optimizer.h"
#include "model/options.h"
#include "model/targets.h"
#include "torch.h"

namespace maskrcnn::binding {

// Between JavaScript's values and the network's, in the forms of binding.d.ts. Everything here runs
// on the JavaScript thread and copies; wrong types throw TypeError, wrong sizes RangeError.

// The fields of a JavaScript object, each of a required type.
class Fields {
 public:
  Fields(const Napi::Value& value, std::string name);

  Napi::Value get(const char* field) const;
  Fields object(const char* field) const;
  double number(const char* field) const;
  int64_t integer(const char* field) const;
  bool boolean(const char* field) const;
  std::string string(const char* field) const;
  std::optional<double> optional_number(const char* field) const;  // from null too
  std::vector<double> numbers(const char* field) const;
  std::vector<int64_t> integers(const char* field) const;
  std::vector<std::string> strings(const char* field) const;
  std::vector<std::vector<double>> lists_of_numbers(const char* field) const;
  template <size_t count>
  std::array<double, count> array(const char* field) const {
    const auto values = numbers(field);
    if (values.size() != count) throw_wrong(field, std::to_string(count) + " numbers");
    std::array<double, count> result{};
    std::copy(values.begin(), values.end(), result.begin());
    return result;
  }

 private:
  [[noreturn]] void throw_wrong(const char* field, const std::string& expected) const;

  Napi::Object object_;
  std::string name_;
};

// The elements of a JavaScript array.
std::vector<Napi::Value> elements(const Napi::Value& value, const std::string& name);

struct ModelOptions {
  MaskRCNNOptions network;
  at::Device device;
  uint64_t seed;
};
ModelOptions to_model_options(const Napi::Value& value);

at::Tensor to_image(const Napi::Value& value);  // [H,W,3] u8
std::vector<at::Tensor> to_images(const Napi::Value& value);
Target to_target(const Napi::Value& value);
std::vector<Target> to_targets(const Napi::Value& value);
NamedTensors to_named_tensors(const Napi::Value& value);
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
