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

at::Tensor convolve_and_normalize(
    torch::nn::Conv2d& conv, torch::nn::AnyModule& norm, const at::Tensor& x) {
  const auto frozen = std::dynamic_pointer_cast<FrozenBatchNorm2dImpl>(norm.ptr());
  if (!frozen) return norm.forward(conv->forward(x));
  const auto [scale, shift] = frozen->affine();  // [C]
  const auto& options = conv->options;
  return at::conv2d(
      x,
      conv->weight * scale.view({-1, 1, 1, 1}),
      conv->bias.defined() ? shift + conv->bias * scale : shift,
      options.stride(),
      std::get<torch::ExpandingArray<2>>(options.padding()),
      options.dilation(),
      options.groups());
}

}  // namespace maskrcnn
