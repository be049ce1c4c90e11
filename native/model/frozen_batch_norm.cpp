#include "model/frozen_batch_norm.h"

namespace maskrcnn {

FrozenBatchNorm2dImpl::FrozenBatchNorm2dImpl(int64_t channels, double eps)
    : weight(register_buffer("weight", torch::ones({channels}))),
      bias(register_buffer("bias", torch::zeros({channels}))),
      running_mean(register_buffer("running_mean", torch::zeros({channels}))),
      running_var(register_buffer("running_var", torch::ones({channels}))),
      eps(eps) {}

at::Tensor FrozenBatchNorm2dImpl::forward(const at::Tensor& x) {
  const auto [scale, shift] = affine();
  return x.mul(scale.view({1, -1, 1, 1})).add_(shift.view({1, -1, 1, 1}));
}

const ChannelAffine& FrozenBatchNorm2dImpl::affine() {
  return affine_.get({weight, bias, running_mean, running_var}, [&] {
    const auto scale = weight * (running_var + eps).rsqrt();
    return ChannelAffine{scale, bias - running_mean * scale};
  });
}

}  // namespace maskrcnn
