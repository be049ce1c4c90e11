#pragma once

#include <cstdint>
#include <memory>

#include "layers/norm_layer.h"
#include "ops/batch_norm.h"

namespace maskrcnn {

// torch.nn.BatchNorm2d. In training it also moves its running statistics. With an exchange it is
// torch.nn.SyncBatchNorm.
struct BatchNorm2d : NormLayer {
  BatchNorm2d(int64_t channels, double eps, double momentum);

  using NormLayer::forward;
  at::Tensor forward(const at::Tensor& x, const ops::LayerEnd& end) override;

  std::optional<ChannelAffine> affine() override;
  bool is_frozen() const override { return false; }

  double eps, momentum;
  at::Tensor weight, bias;               // [C]
  at::Tensor running_mean, running_var;  // [C]
  at::Tensor num_batches_tracked;        // scalar i64
  // With the processes whose maps it normalizes together, in training.
  std::shared_ptr<const ops::Exchange> exchange;
};

}  // namespace maskrcnn
