#pragma once

#include <ATen/core/Tensor.h>

#include "ops/batch_norm.h"

namespace maskrcnn::ops {

// The four passes of batch norm over channels-last maps [N,C,H,W] on the CPU, in float32 or
// bfloat16. Statistics are [C] f64. Maps may be of no image.

struct Moments {
  at::Tensor mean, variance;  // 0 without a pixel
};
Moments moments_on_cpu(const at::Tensor& x);

// weight · (x - mean) · inv_std + bias, and what follows it.
at::Tensor normalize_on_cpu(
    const at::Tensor& x,
    const at::Tensor& weight,  // [C] f32
    const at::Tensor& bias,    // [C] f32
    const at::Tensor& mean,
    const at::Tensor& inv_std,
    const LayerEnd& end);

// Sums over the pixels, with g the gradient of the result.
struct GradientMoments {
  at::Tensor grad;     // of g
  at::Tensor product;  // of g (x - mean)
};
GradientMoments gradient_moments_on_cpu(
    const at::Tensor& grad, const at::Tensor& x, const at::Tensor& mean);

// The gradient of x, for sums over `count` pixels. With s for inv_std:
//   weight s (g - sum(g) / count - (x - mean) s² sum(g (x - mean)) / count)
at::Tensor gradient_on_cpu(
    const at::Tensor& grad,
    const at::Tensor& x,
    const at::Tensor& weight,
    const at::Tensor& mean,
    const at::Tensor& inv_std,
    const GradientMoments& sums,
    double count);

}  // namespace maskrcnn::ops
