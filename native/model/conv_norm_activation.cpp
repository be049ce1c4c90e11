#include "model/conv_norm_activation.h"

namespace maskrcnn {

at::Tensor activate(Activation activation, at::Tensor x) {
  switch (activation) {
    case Activation::None:
      return x;
    case Activation::ReLU:
      return x.relu_();
    // The backward of these two reads their input: in place, autograd would copy it first.
    case Activation::ReLU6:
      return x.requires_grad() ? at::hardtanh(x, 0, 6) : at::hardtanh_(x, 0, 6);
    case Activation::Hardswish:
      return x.requires_grad() ? at::hardswish(x) : at::hardswish_(x);
  }
  TORCH_CHECK(false, "unknown activation");
}

ConvNormActivationImpl::ConvNormActivationImpl(const ConvNormActivationOptions& options)
    : activation(options.activation) {
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
}

at::Tensor ConvNormActivationImpl::forward(const at::Tensor& x) {
  return activate(
      activation, norm.is_empty() ? convolve(conv, x) : convolve_and_normalize(conv, norm, x));
}

}  // namespace maskrcnn
