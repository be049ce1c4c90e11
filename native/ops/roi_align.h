#pragma once

#include <ATen/core/Tensor.h>

namespace maskrcnn::ops {

// Letters: N images, C channels, H W rows and columns of the feature map, R rois, P output_size.

// ROIAlign (Mask R-CNN, section 3) as torchvision's roi_align with aligned=false: each roi (image,
// x0, y0, x1, y1; multiplied by `spatial_scale`; sides at least 1) is cut into P x P cells, and a
// cell is the mean of sampling_ratio^2 bilinear samples; a sampling_ratio <= 0 takes
// ceil(side / P) samples an axis. Differentiable in `input`, float32 on the CPU. A roi with a
// coordinate that is NaN or infinite pools to NaN.
// The result is channels-last on the CPU, whatever the format of the input.
at::Tensor roi_align(
    const at::Tensor& input,  // [N,C,H,W], any memory format
    const at::Tensor& rois,   // [R,5]
    double spatial_scale,
    int64_t output_size,
    int64_t sampling_ratio);  // [R,C,P,P]

}  // namespace maskrcnn::ops
