#include "layers/conv_norm_activation.h"

namespace maskrcnn {

ConvNormActivation::ConvNormActivation(const ConvNormActivationOptions& options) {
  const auto same = (options.kernel - 1) / 2 * options.dilation;
  conv =
      add("0",
          std::make_shared<Conv2d>(Conv2dOptions{
              .in = options.in,
              .out = options.out,
              .kernel = options.kernel,
              .stride = options.stride,
              .padding = options.padding.value_or(same),
              .dilation = options.dilation,
              .groups = options.groups,
              .bias = options.norm == Norm::None}));
  const auto norm = make_norm({options.norm, options.norm_eps, options.norm_momentum}, options.out);
  if (norm) add("1", norm);
  unit_ = ConvolutionUnit(conv, norm, options.activation);
}

at::Tensor ConvNormActivation::forward(const at::Tensor& x) {
  return unit_.forward(x);
}

}  // namespace maskrcnn
