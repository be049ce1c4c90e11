#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "aten.h"

namespace maskrcnn::binding {

// What several operators take from JavaScript, and give to it. Letters: N images, C channels, H W
// rows and columns, R rois, D boxes.

constexpr int64_t kMaxSide = 1024;  // of a roi's cells or a cell's samples

// The first two arguments of both NMS.
struct ScoredBoxes {
  at::Tensor boxes;   // [D,4]
  at::Tensor scores;  // [D]

  explicit ScoredBoxes(const Napi::CallbackInfo& info);
};

// What roiAlign and its gradient have in common: all arguments but the first.
struct RoiAlignArguments {
  std::vector<int64_t> input_shape;  // N, C, H, W
  int64_t input_length, output_length;
  at::Tensor rois;  // [R,5]
  double spatial_scale;
  int64_t output_size, sampling_ratio;
  bool bfloat16, flattened;  // of our own kernels alone

  explicit RoiAlignArguments(const Napi::CallbackInfo& info);
};

// N, C, H, W.
std::vector<int64_t> read_shape(const Napi::Value& value);

at::Tensor read_tensor(
    const Napi::Value& value, const std::string& name, const std::vector<int64_t>& shape);

Napi::Value to_float_array(Napi::Env env, const at::Tensor& tensor);
Napi::Value to_index_array(Napi::Env env, const at::Tensor& indices);

}  // namespace maskrcnn::binding
