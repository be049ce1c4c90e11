#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <optional>

#include "ops/layer_end.h"

namespace maskrcnn::ops {

struct ConvolutionGeometry {
  std::array<int64_t, 2> stride, padding, dilation;  // of rows and columns
  int64_t groups;
};

// The type in which this thread computes convolutions of `input`: that of autocast on the CPU.
at::ScalarType computed_type(const at::Tensor& input);

// Whether convolve() runs Winograd's algorithm.
bool suits_winograd(
    const at::Tensor& input, const at::Tensor& weight, const ConvolutionGeometry& geometry);

// Whether convolve() swaps rows and columns, because oneDNN's result can be wrong in bfloat16, with
// a stride and a result of one column. So it is with AMX, and elsewhere with AVX-512 for groups of
// one input channel (seen with oneDNN 3.12).
bool must_transpose(
    const at::Tensor& input, const at::Tensor& weight, const ConvolutionGeometry& geometry);

// Same as at::conv2d and what follows, and differentiable. On the CPU, large 3 x 3 convolutions run
// forward and backward by Winograd's algorithm (winograd.h), in bfloat16 only without AMX. Some
// gradients in bfloat16 are computed here (amx_weight_gradient.h, depthwise.h), and in training
// what follows is part of oneDNN's pass (prepacked.h). libtorch computes all others.
at::Tensor convolve(
    const at::Tensor& input,                // [N,C,H,W]
    const at::Tensor& weight,               // [K,C/groups,h,w]
    const std::optional<at::Tensor>& bias,  // [K]
    const ConvolutionGeometry& geometry,
    const LayerEnd& end = {});

}  // namespace maskrcnn::ops
