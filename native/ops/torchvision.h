#pragma once

#include <ATen/core/Tensor.h>

// The operators that torchvision's own shared library registers with libtorch's dispatcher, for
// tensors on a GPU. They must have been loaded; otherwise libtorch names the missing schema.
namespace maskrcnn::ops::torchvision {

bool are_loaded();

at::Tensor nms(const at::Tensor& boxes, const at::Tensor& scores, double iou_threshold);

at::Tensor roi_align(
    const at::Tensor& input,  // [N,C,H,W]
    const at::Tensor& rois,   // [R,5]
    double spatial_scale,
    int64_t output_size,
    int64_t sampling_ratio);  // [R,C,P,P]

at::Tensor roi_align_backward(
    const at::Tensor& grad_output,  // [R,C,P,P]
    const at::Tensor& rois,         // [R,5]
    at::IntArrayRef input_sizes,
    double spatial_scale,
    int64_t output_size,
    int64_t sampling_ratio);  // [N,C,H,W]

}  // namespace maskrcnn::ops::torchvision
