#pragma once

#include <ATen/core/Tensor.h>

namespace maskrcnn::ops {

// x · weightᵀ + bias, as at::linear, with its gradients; in float32 on the CPU by products.h.
at::Tensor linear(
    const at::Tensor& x,       // [R,C]
    const at::Tensor& weight,  // [K,C]
    const at::Tensor& bias);   // [K]; result [R,K]

}  // namespace maskrcnn::ops
