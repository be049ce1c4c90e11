#include "binding/conversion/op_arguments.h"

#include <cmath>

#include "binding/conversion/arguments.h"
#include "binding/conversion/results.h"

namespace maskrcnn::binding {

ScoredBoxes::ScoredBoxes(const Napi::CallbackInfo& info) {
  const auto values = read_finite_floats(info[0], "boxes");
  const auto count = count_rows(info.Env(), values.length, 4, "boxes");
  boxes = to_tensor(values, {count, 4});
  const auto numbers = read_finite_floats(info[1], "scores");
  check_length(info.Env(), numbers.length, count, "scores");
  scores = to_tensor(numbers, {count});
}

RoiAlignArguments::RoiAlignArguments(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  input_shape = read_shape(info[1]);
  input_length = checked_product(
      env, {input_shape[0], input_shape[1], input_shape[2], input_shape[3]}, "The input");
  const auto rows = read_finite_floats(info[2], "rois");
  const auto roi_count = count_rows(env, rows.length, 5, "rois");
  for (int64_t r = 0; r < roi_count; ++r) {
    const float image = rows.data[5 * r];
    if (image != std::floor(image) || image < 0 || image >= static_cast<float>(input_shape[0])) {
      refuse_value(
          env,
          "The image of roi " + std::to_string(r),
          "a whole number in 0.." + std::to_string(input_shape[0] - 1),
          image);
    }
  }
  rois = to_tensor(rows, {roi_count, 5});
  const auto options = read_object(info[3], "options");
  spatial_scale = read_number(options.Get("spatialScale"), "spatialScale");
  output_size = read_integer(options.Get("outputSize"), "outputSize", 1, kMaxSide);
  sampling_ratio = read_integer(options.Get("samplingRatio"), "samplingRatio", 0, kMaxSide);
  bfloat16 = options.Get("bfloat16").ToBoolean();
  flattened = options.Get("flattened").ToBoolean();
  output_length =
      checked_product(env, {roi_count, input_shape[1], output_size, output_size}, "The result");
}

std::vector<int64_t> read_shape(const Napi::Value& value) {
  const auto shape = read_object(value, "inputShape");
  std::vector<int64_t> sizes;
  for (uint32_t i = 0; i < 4; ++i) {
    sizes.push_back(read_size(shape.Get(i), "inputShape[" + std::to_string(i) + "]"));
  }
  return sizes;
}

at::Tensor read_tensor(
    const Napi::Value& value, const std::string& name, const std::vector<int64_t>& shape) {
  const auto values = read_floats(value, name);
  check_length(value.Env(), values.length, c10::multiply_integers(shape), name);
  return to_tensor(values, shape);
}

Napi::Value to_float_array(Napi::Env env, const at::Tensor& tensor) {
  const auto plain = tensor.detach().contiguous();
  return to_array<Napi::Float32Array>(env, plain.const_data_ptr<float>(), plain.numel());
}

Napi::Value to_index_array(Napi::Env env, const at::Tensor& indices) {
  const auto plain = indices.to(at::kInt);
  return to_array<Napi::Int32Array>(env, plain.const_data_ptr<int32_t>(), plain.numel());
}

}  // namespace maskrcnn::binding
