#include "layers/frozen_batch_norm.h"

namespace maskrcnn {

FrozenBatchNorm2d::FrozenBatchNorm2d(int64_t channels, double eps)
    : weight(add_buffer("weight", at::ones({channels}))),
      bias(add_buffer("bias", at::zeros({channels}))),
      running_mean(add_buffer("running_mean", at::zeros({channels}))),
      running_var(add_buffer("running_var", at::ones({channels}))),
      eps(eps) {}

at::Tensor FrozenBatchNorm2d::forward(const at::Tensor& x, const ops::LayerEnd& end) {
  const auto [scale, shift] = *affine();
  return end.apply(x.mul(scale.view({1, -1, 1, 1})).add_(shift.view({1, -1, 1, 1})));
}

std::optional<ChannelAffine> FrozenBatchNorm2d::affine() {
  return affine_.get({weight, bias, running_mean, running_var}, [&] {
    const auto scale = weight * (running_var + eps).rsqrt();
    return ChannelAffine{scale, bias - running_mean * scale};
  });
}

}  // namespace maskrcnn
