#pragma once

#include <vector>

#include "aten.h"
#include "model/options.h"

namespace maskrcnn {

// [R_n,4] per image -> [R,5] over all images: index of the image, then the box
at::Tensor to_rois(const std::vector<at::Tensor>& boxes);

// Pools each box from the pyramid level that fits its size (Feature Pyramid Networks, equation 1;
// torchvision ops/poolers.py).
class MultiScaleRoIAlign {
 public:
  // strides: of all levels, in pixels, see Backbone::strides(). format: the memory format of
  // the result. torchvision infers the strides from the first batch that a model sees and keeps
  // them, which is off by 2 for images of few rows.
  MultiScaleRoIAlign(
      const RoiPoolOptions& options, const std::vector<int64_t>& strides, at::MemoryFormat format);

  int64_t output_size() const { return output_size_; }

  // features: [N,C,H_l,W_l] per level, the last one max-pooled; rois: [R,5]
  // -> [R, C, output_size, output_size]
  at::Tensor pool(const std::vector<at::Tensor>& features, const at::Tensor& rois) const;

 private:
  std::vector<size_t> levels_;        // indices of the levels to pool from
  std::vector<double> log2_strides_;  // of these
  int64_t output_size_, sampling_ratio_;
  at::MemoryFormat format_;
};

}  // namespace maskrcnn
