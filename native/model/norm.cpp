#include "model/norm.h"

#include "model/frozen_batch_norm.h"

namespace maskrcnn {

torch::nn::AnyModule make_norm(const NormOptions& options, int64_t channels) {
  TORCH_CHECK(options.type != Norm::None, "there is no layer for Norm::None");
  if (options.type == Norm::Frozen) {
    return torch::nn::AnyModule(FrozenBatchNorm2d(channels, options.eps));
  }
  return torch::nn::AnyModule(torch::nn::BatchNorm2d(
      torch::nn::BatchNorm2dOptions(channels).eps(options.eps).momentum(options.momentum)));
}

}  // namespace maskrcnn
