#pragma once

#include <cstdint>

#include "model/norm.h"
#include "model/weight_cache.h"
#include "torch.h"

namespace maskrcnn {

// Batch norm whose statistics, scale and shift are buffers. So it is an affine map per channel, the
// same in training and inference.
struct FrozenBatchNorm2dImpl : torch::nn::Module {
  // The COCO_V1 weights were trained with eps 0 (torchvision detection/_utils.py, overwrite_eps).
  FrozenBatchNorm2dImpl(int64_t channels, double eps);

  at::Tensor forward(const at::Tensor& x);  // [N,C,H,W] -> [N,C,H,W]

  const ChannelAffine& affine();

  at::Tensor weight, bias, running_mean, running_var;  // [C]
  double eps;

 private:
  WeightCache<ChannelAffine> affine_;
};
TORCH_MODULE(FrozenBatchNorm2d);

}  // namespace maskrcnn
