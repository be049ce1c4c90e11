#pragma once

#include <ATen/core/Tensor.h>

namespace maskrcnn::ops {

// The mask logits of one class per roi: a transposed convolution of 2 x 2 with stride 2, ReLU, and
// a 1 x 1 convolution with one output channel, in one pass. What the transposed convolution gives
// takes four times the memory of its input, so it is kept for one roi per thread only. All tensors
// are float32 on the CPU. Without gradients.
//
// Letters: R rois, C input channels, K channels between the convolutions, S rows and columns.
at::Tensor mask_logits(
    const at::Tensor& x,             // [R,C,S,S]
    const at::Tensor& weight,        // [C,K,2,2]
    const at::Tensor& bias,          // [K]
    const at::Tensor& class_weight,  // [R,K]
    const at::Tensor& class_bias);   // [R]; result [R,2·S,2·S]

}  // namespace maskrcnn::ops
