#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace maskrcnn::ops {

// Letters: L levels of a feature pyramid, N images, C channels, H W rows and columns of a level's
// map, R rois, P output_size.

struct RoiAlignOptions {
  std::vector<double> spatial_scales;  // L: pixels of the feature map per pixel of the image
  int64_t output_size;
  int64_t sampling_ratio;  // <= 0: adaptive
  // Of the result on the CPU. Use Contiguous if the result will be flattened.
  at::MemoryFormat format = at::MemoryFormat::ChannelsLast;
};

// The levels in the form that roi_align() reads. On a GPU these are contiguous float32 copies: make
// them once if you call roi_align() more than once.
std::vector<at::Tensor> to_pool_from(at::TensorList levels);

// ROIAlign (Mask R-CNN, section 3), same as torchvision's roi_align with aligned=false. A roi is
// (image, x0, y0, x1, y1). Its coordinates are multiplied by the scale of its level; its sides are
// at least 1. The roi is divided into P x P cells. A cell is the mean of sampling_ratio^2 bilinear
// samples; if sampling_ratio <= 0, it takes ceil(side / P) samples per axis. Differentiable with
// respect to the levels. On the CPU, levels and result are float32 or bfloat16, and sums are
// float32. A roi with a NaN or infinite coordinate gives NaN.
at::Tensor roi_align(
    at::TensorList levels,            // L x [N,C,H,W], any memory format
    const at::Tensor& rois,           // [R,5]
    const at::Tensor& level_of,       // [R] int64
    const RoiAlignOptions& options);  // result [R,C,P,P]

}  // namespace maskrcnn::ops
