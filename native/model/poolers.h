#pragma once

#include <vector>

#include "aten.h"
#include "model/options.h"

namespace maskrcnn {

// Pools each box from the pyramid level that fits its size (Feature Pyramid Networks, equation 1;
// torchvision ops/poolers.py).
class MultiScaleRoIAlign {
 public:
  // format: the memory format of the result.
  MultiScaleRoIAlign(const RoiPoolOptions& options, at::MemoryFormat format)
      : options_(options), format_(format) {}

  int64_t output_size() const { return options_.output_size; }

  // features: [N,C,H_l,W_l] per level, the last one max-pooled; boxes: [R_n,4] per image; sizes:
  // without padding
  // -> [R, C, output_size, output_size], R over all images
  at::Tensor pool(
      const std::vector<at::Tensor>& features,
      const std::vector<at::Tensor>& boxes,
      const std::vector<ImageSize>& sizes) const;

 private:
  RoiPoolOptions options_;
  at::MemoryFormat format_;
};

}  // namespace maskrcnn
