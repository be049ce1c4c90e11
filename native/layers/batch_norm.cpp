#include "layers/batch_norm.h"

#include "layers/recomputed.h"

namespace maskrcnn {

BatchNorm2d::BatchNorm2d(int64_t channels, double eps, double momentum)
    : eps(eps),
      momentum(momentum),
      weight(add_parameter("weight", at::ones({channels}))),
      bias(add_parameter("bias", at::zeros({channels}))),
      running_mean(add_buffer("running_mean", at::zeros({channels}))),
      running_var(add_buffer("running_var", at::ones({channels}))),
      num_batches_tracked(add_buffer("num_batches_tracked", at::zeros({}, at::kLong))) {}

at::Tensor BatchNorm2d::forward(const at::Tensor& x, const ops::LayerEnd& end) {
  const bool trains = is_training();
  // The batch has moved the running statistics already.
  const bool keeps = trains && is_recomputing();
  const auto mean = keeps ? running_mean.clone() : running_mean;
  const auto variance = keeps ? running_var.clone() : running_var;
  if (trains && exchange != nullptr) {
    if (!keeps) num_batches_tracked.add_(1);
    return ops::batch_norm(x, weight, bias, mean, variance, {momentum, eps}, end, exchange);
  }
  if (trains) {
    TORCH_CHECK(
        x.numel() != x.size(1),
        "a batch norm in training needs more than one value per channel, got [N,C,H,W] = ",
        x.sizes());
    if (!keeps) num_batches_tracked.add_(1);
  }
  if (trains && ops::suits_batch_norm(x))
    return ops::batch_norm(x, weight, bias, mean, variance, {momentum, eps}, end);
  const bool cudnn = at::globalContext().userEnabledCuDNN();
  return end.apply(at::batch_norm(x, weight, bias, mean, variance, trains, momentum, eps, cudnn));
}

std::optional<ChannelAffine> BatchNorm2d::affine() {
  if (is_training()) return std::nullopt;
  const auto scale = weight * (running_var + eps).rsqrt();
  return ChannelAffine{scale, bias - running_mean * scale};
}

}  // namespace maskrcnn
