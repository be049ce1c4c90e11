#pragma once

#include "ops/roi_align.h"

// ROIAlign's kernels for the CPU, without autograd. roi_align.h describes what they compute.
namespace maskrcnn::ops {

at::Tensor roi_align_cpu(
    at::TensorList levels,  // float32 or bfloat16
    const at::Tensor& rois,
    const at::Tensor& level_of,
    const RoiAlignOptions& options);

// The result does not depend on the number of threads or differ between runs.
std::vector<at::Tensor> roi_align_backward_cpu(
    const at::Tensor& grad_output,  // [R,C,P,P] float32 or bfloat16
    const at::Tensor& rois,
    const at::Tensor& level_of,
    const std::vector<std::vector<int64_t>>& level_sizes,  // L x (N, C, H, W)
    const RoiAlignOptions& options);                       // L x [N,C,H,W] float32, channels-last

}  // namespace maskrcnn::ops
