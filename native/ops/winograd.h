#pragma once

#include <ATen/core/Tensor.h>

namespace maskrcnn::ops {

// Letters: N images, C input and K output channels, H W rows and columns.

// Convolutions of 3 x 3 with stride 1 and zero padding 1, by Winograd's minimal filtering
// F(2 x 2, 3 x 3): 16 products instead of 36 for each 2 x 2 outputs (Lavin and Gray, "Fast
// Algorithms for Convolutional Neural Networks", 2015, section 4.1). float32 on the CPU. Images and
// results are channels-last. The result differs from a direct convolution by about as much as two
// orders of summation differ.

at::Tensor winograd_convolution(
    const at::Tensor& input,                 // [N,C,H,W]
    const at::Tensor& weight,                // [K,C,3,3]
    const std::optional<at::Tensor>& bias);  // [K]; result [N,K,H,W]

// The gradient with respect to the weights, from the gradient with respect to the results.
at::Tensor winograd_weight_gradient(
    const at::Tensor& input,         // [N,C,H,W]
    const at::Tensor& grad_output);  // [N,K,H,W]; result [K,C,3,3]

}  // namespace maskrcnn::ops
