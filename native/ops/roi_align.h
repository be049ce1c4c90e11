#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace maskrcnn::ops {

// Letters: L levels of a feature pyramid, N images, C channels, H W rows and columns of a level's
// map, R rois, P output_size.

struct RoiAlignOptions {
  std::vector<double> spatial_scales;  // L: a map's pixels per pixel of the image
  int64_t output_size;
  int64_t sampling_ratio;  // <= 0: adaptive
  // Of the result, on the CPU: Contiguous where it is to be flattened.
  at::MemoryFormat format = at::MemoryFormat::ChannelsLast;
};

// The levels as roi_align() reads them: of those on a GPU float32 copies, row by row, which are
// worth making once where it is called more than once.
std::vector<at::Tensor> to_pool_from(at::TensorList levels);

// ROIAlign (Mask R-CNN, section 3) as torchvision's roi_align with aligned=false: each roi (image,
// x0, y0, x1, y1; multiplied by its level's scale; sides at least 1) is cut into P x P cells, and a
// cell is the mean of sampling_ratio^2 bilinear samples; a sampling_ratio <= 0 takes
// ceil(side / P) samples an axis. Differentiable in the levels, which are float32 or bfloat16 on
// the CPU, as is the result; sums are float32. A roi with a coordinate that is NaN or infinite
// pools to NaN.
at::Tensor roi_align(
    at::TensorList levels,            // L x [N,C,H,W], any memory format
    const at::Tensor& rois,           // [R,5]
    const at::Tensor& level_of,       // [R] int64
    const RoiAlignOptions& options);  // [R,C,P,P]

}  // namespace maskrcnn::ops
