#pragma once

#include <cstdint>

#include "layers/norm_layer.h"
#include "layers/weight_cache.h"

namespace maskrcnn {

// Batch norm whose statistics, scale and shift are buffers. So it is an affine map per channel, the
// same in training and inference.
struct FrozenBatchNorm2d : NormLayer {
  // The COCO_V1 weights were trained with eps 0 (torchvision detection/_utils.py, overwrite_eps).
  FrozenBatchNorm2d(int64_t channels, double eps);

  using NormLayer::forward;
  at::Tensor forward(const at::Tensor& x, const ops::LayerEnd& end) override;

  std::optional<ChannelAffine> affine() override;
  bool is_frozen() const override { return true; }

  at::Tensor weight, bias, running_mean, running_var;  // [C]
  double eps;

 private:
  WeightCache<ChannelAffine> affine_;
};

}  // namespace maskrcnn
