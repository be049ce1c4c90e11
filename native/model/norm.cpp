#include "model/norm.h"

#include "model/frozen_batch_norm.h"
#include "ops/batch_norm.h"

namespace maskrcnn {

torch::nn::AnyModule make_norm(const NormOptions& options, int64_t channels) {
  TORCH_CHECK(options.type != Norm::None, "there is no layer for Norm::None");
  if (options.type == Norm::Frozen) {
    return torch::nn::AnyModule(FrozenBatchNorm2d(channels, options.eps));
  }
  return torch::nn::AnyModule(torch::nn::BatchNorm2d(
      torch::nn::BatchNorm2dOptions(channels).eps(options.eps).momentum(options.momentum)));
}

at::Tensor normalize(torch::nn::AnyModule& norm, const at::Tensor& x) {
  const auto batch = std::dynamic_pointer_cast<torch::nn::BatchNorm2dImpl>(norm.ptr());
  if (!batch || !batch->is_training() || !ops::suits_batch_norm(x)) return norm.forward(x);
  batch->num_batches_tracked.add_(1);
  return ops::batch_norm(
      x,
      batch->weight,
      batch->bias,
      batch->running_mean,
      batch->running_var,
      {*batch->options.momentum(), batch->options.eps()});
}

std::optional<ChannelAffine> frozen_affine_of(const torch::nn::AnyModule& norm) {
  if (norm.is_empty()) return std::nullopt;
  const auto frozen = std::dynamic_pointer_cast<FrozenBatchNorm2dImpl>(norm.ptr());
  if (!frozen) return std::nullopt;
  return frozen->affine();
}

std::optional<ChannelAffine> affine_of(const torch::nn::AnyModule& norm) {
  if (auto frozen = frozen_affine_of(norm)) return frozen;
  if (norm.is_empty() || norm.ptr()->is_training()) return std::nullopt;
  const auto batch = std::dynamic_pointer_cast<torch::nn::BatchNorm2dImpl>(norm.ptr());
  TORCH_CHECK(batch, "a norm is a BatchNorm2d or a FrozenBatchNorm2d");
  const auto scale = batch->weight * (batch->running_var + batch->options.eps()).rsqrt();
  return ChannelAffine{scale, batch->bias - batch->running_mean * scale};
}

}  // namespace maskrcnn
