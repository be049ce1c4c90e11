#pragma once

#include <ATen/core/Tensor.h>

#include "convolution/convolution.h"

namespace maskrcnn::ops {

// The gradient of a convolution in bfloat16 with respect to its weights, by AMX (processor.h), on
// the CPU: a product of the gradients of the results and the images, summed over the pixels. Sums
// are float32, and so is the result.
//
// Letters: N images, C input and K output channels, H W rows and columns.

// Whether there are kernels for it: 1 x 1 without padding or 3 x 3 with padding 1, stride 1, and
// multiples of 32 channels.
bool suits_amx_weight_gradient(const at::Tensor& weight, const ConvolutionGeometry& geometry);

at::Tensor amx_weight_gradient(
    const at::Tensor& input,        // [N,C,H,W] bfloat16
    const at::Tensor& grad_output,  // [N,K,H,W] bfloat16
    int64_t side);                  // of the kernel, 1 or 3; result [K,C,side,side]

}  // namespace maskrcnn::ops
