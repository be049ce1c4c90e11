#include "model/norm.h"

#include <optional>

#include "model/frozen_batch_norm.h"
#include "ops/convolution.h"

namespace maskrcnn {

torch::nn::AnyModule make_norm(const NormOptions& options, int64_t channels) {
  TORCH_CHECK(options.type != Norm::None, "there is no layer for Norm::None");
  if (options.type == Norm::Frozen) {
    return torch::nn::AnyModule(FrozenBatchNorm2d(channels, options.eps));
  }
  return torch::nn::AnyModule(torch::nn::BatchNorm2d(
      torch::nn::BatchNorm2dOptions(channels).eps(options.eps).momentum(options.momentum)));
}

namespace {

at::Tensor convolve(
    torch::nn::Conv2d& conv,
    const at::Tensor& x,
    const at::Tensor& weight,
    const std::optional<at::Tensor>& bias) {
  const auto& options = conv->options;
  return ops::convolve(
      x,
      weight,
      bias,
      {options.stride(),
       std::get<torch::ExpandingArray<2>>(options.padding()),
       options.dilation(),
       options.groups()});
}

}  // namespace

at::Tensor convolve(torch::nn::Conv2d& conv, const at::Tensor& x) {
  return convolve(conv, x, conv->weight, conv->bias);
}

at::Tensor convolve_and_normalize(
    torch::nn::Conv2d& conv, torch::nn::AnyModule& norm, const at::Tensor& x) {
  const auto frozen = std::dynamic_pointer_cast<FrozenBatchNorm2dImpl>(norm.ptr());
  if (!frozen) return norm.forward(convolve(conv, x));
  const auto [scale, shift] = frozen->affine();  // [C]
  return convolve(
      conv,
      x,
      conv->weight * scale.view({-1, 1, 1, 1}),
      conv->bias.defined() ? shift + conv->bias * scale : shift);
}

}  // namespace maskrcnn
