#pragma once

#include <ATen/core/Tensor.h>

// ROIAlign's kernels for the CPU, without autograd; what they compute is said in roi_align.h.
// Letters: N images, C channels, H W rows and columns of the feature map, R rois, P output_size.
namespace maskrcnn::ops {

struct RoiAlignOptions {
  double spatial_scale;
  int64_t output_size;
  int64_t sampling_ratio;  // <= 0: adaptive
};

at::Tensor roi_align_cpu(
    const at::Tensor& input,          // [N,C,H,W] float32
    const at::Tensor& rois,           // [R,5]
    const RoiAlignOptions& options);  // [R,C,P,P] channels-last

// Equal from run to run, whatever the number of threads.
at::Tensor roi_align_backward_cpu(
    const at::Tensor& grad_output,  // [R,C,P,P] float32
    const at::Tensor& rois,         // [R,5]
    at::IntArrayRef input_sizes,
    const RoiAlignOptions& options);  // [N,C,H,W] channels-last

}  // namespace maskrcnn::ops
