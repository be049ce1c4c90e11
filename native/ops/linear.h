#pragma once

#include <ATen/core/Tensor.h>

namespace maskrcnn::ops {

// x · weightᵀ + bias, same as at::linear, and differentiable. matmul.h computes it for float32 on
// the CPU.
at::Tensor linear(
    const at::Tensor& x,       // [R,C]
    const at::Tensor& weight,  // [K,C]
    const at::Tensor& bias);   // [K]; result [R,K]

}  // namespace maskrcnn::ops
