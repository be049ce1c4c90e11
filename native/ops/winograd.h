#pragma once

#include <ATen/core/Tensor.h>

namespace maskrcnn::ops {

// Letters: N images, C input and K output channels, H W rows and columns.

// Convolutions of 3 x 3 with stride 1 and a border of one zero, by Winograd's minimal filtering
// F(2 x 2, 3 x 3): 16 products in place of 36 for every 2 x 2 results (Lavin and Gray, "Fast
// Algorithms for Convolutional Neural Networks", 2015, section 4.1). float32 on the CPU; tensors of
// images are channels-last, as are the results. The numbers differ from a direct convolution's as
// those of two orders of adding up do.

at::Tensor winograd_convolution(
    const at::Tensor& input,                 // [N,C,H,W]
    const at::Tensor& weight,                // [K,C,3,3]
    const std::optional<at::Tensor>& bias);  // [K]; result [N,K,H,W]

// Of a scalar with respect to the weights, given that with respect to the results.
at::Tensor winograd_weight_gradient(
    const at::Tensor& input,         // [N,C,H,W]
    const at::Tensor& grad_output);  // [N,K,H,W]; result [K,C,3,3]

}  // namespace maskrcnn::ops
