#include "model/conv_norm_activation.h"

namespace maskrcnn {

ConvNormActivationImpl::ConvNormActivationImpl(const ConvNormActivationOptions& options) {
  const auto same = (options.kernel - 1) / 2 * options.dilation;
  conv = register_module(
      "0",
      torch::nn::Conv2d(torch::nn::Conv2dOptions(options.in, options.out, options.kernel)
                            .stride(options.stride)
                            .padding(options.padding.value_or(same))
                            .dilation(options.dilation)
                            .groups(options.groups)
                            .bias(options.norm == Norm::None)));
  if (options.norm != Norm::None) {
    norm = make_norm({options.norm, options.norm_eps, options.norm_momentum}, options.out);
    register_module("1", norm.ptr());
  }
  unit_ = ConvolutionUnit(conv, norm, options.activation);
}

at::Tensor ConvNormActivationImpl::forward(const at::Tensor& x) {
  return unit_.forward(x);
}

}  // namespace maskrcnn
