#pragma once

#include <ATen/core/Tensor.h>

// The operators for GPU tensors that torchvision's shared library registers with libtorch's
// dispatcher. Load the library first; otherwise libtorch throws an error that names the missing
// schema.
namespace maskrcnn::ops::torchvision {

bool are_loaded();

at::Tensor nms(const at::Tensor& boxes, const at::Tensor& scores, double iou_threshold);

at::Tensor roi_align(
    const at::Tensor& input,  // [N,C,H,W]
    const at::Tensor& rois,   // [R,5]
    double spatial_scale,
    int64_t output_size,
    int64_t sampling_ratio);  // result [R,C,P,P]

at::Tensor roi_align_backward(
    const at::Tensor& grad_output,  // [R,C,P,P]
    const at::Tensor& rois,         // [R,5]
    at::IntArrayRef input_sizes,
    double spatial_scale,
    int64_t output_size,
    int64_t sampling_ratio);  // result [N,C,H,W]

}  // namespace maskrcnn::ops::torchvision
