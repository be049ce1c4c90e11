#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

namespace maskrcnn::ops {

// Letters: N images, C input and K output channels, H W rows and columns.

// Convolutions of 3 x 3 with stride 1 and zero padding 1, by Winograd's minimal filtering
// F(4 x 4, 3 x 3): 36 products instead of 144 for each 4 x 4 outputs (Lavin and Gray, "Fast
// Algorithms for Convolutional Neural Networks", 2015, section 4). On the CPU. Images are float32
// or bfloat16, and so are their results; weights and all sums are float32. Images and results are
// channels-last. The error is two to four times that of a direct convolution.

at::Tensor winograd_convolution(
    const at::Tensor& input,                // [N,C,H,W]
    const at::Tensor& weight,               // [K,C,3,3]
    const std::optional<at::Tensor>& bias,  // [K]
    bool relu = false);                     // result [N,K,H,W], negative numbers made 0 if relu

// The gradient with respect to the weights, from the gradient with respect to the results.
at::Tensor winograd_weight_gradient(
    const at::Tensor& input,         // [N,C,H,W]
    const at::Tensor& grad_output);  // [N,K,H,W]; result [K,C,3,3]

}  // namespace maskrcnn::ops
