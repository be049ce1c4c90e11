#pragma once

#include <ATen/core/Tensor.h>

#include "convolution/convolution.h"

namespace maskrcnn::ops {

// The gradient of a depthwise convolution with respect to its input, on the CPU: what oneDNN
// computes many times as slowly in bfloat16 if the stride is not 1. Images are channels-last; sums
// are float32.
//
// Letters: N images, C channels, H W rows and columns, h w those of the kernel.
at::Tensor depthwise_input_gradient(
    const at::Tensor& grad_output,  // [N,C,*,*] bfloat16
    const at::Tensor& weight,       // [C,1,h,w]
    int64_t height,
    int64_t width,
    const ConvolutionGeometry& geometry);  // result [N,C,H,W] bfloat16

}  // namespace maskrcnn::ops
