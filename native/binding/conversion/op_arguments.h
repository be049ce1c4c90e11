#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "aten.h"

namespace maskrcnn::binding {

// Arguments and results that several operators share. Letters: N images, C channels, H W rows and
// columns, R rois, D boxes.

constexpr int64_t kMaxSide = 1024;  // cells per side of a roi, or samples per side of a cell

// The first two arguments of both NMS functions.
struct ScoredBoxes {
  at::Tensor boxes;   // [D,4]
  at::Tensor scores;  // [D]

  explicit ScoredBoxes(const Napi::CallbackInfo& info);
};

// The common arguments of roiAlign and its gradient: all but the first.
struct RoiAlignArguments {
  std::vector<int64_t> input_shape;  // N, C, H, W
  int64_t input_length, output_length;
  at::Tensor rois;  // [R,5]
  double spatial_scale;
  int64_t output_size, sampling_ratio;
  bool bfloat16, flattened;  // only for our own kernels

  explicit RoiAlignArguments(const Napi::CallbackInfo& info);
};

// N, C, H, W.
std::vector<int64_t> read_shape(const Napi::Value& value);

at::Tensor read_tensor(
    const Napi::Value& value, const std::string& name, const std::vector<int64_t>& shape);

Napi::Value to_float_array(Napi::Env env, const at::Tensor& tensor);
Napi::Value to_index_array(Napi::Env env, const at::Tensor& indices);

}  // namespace maskrcnn::binding
