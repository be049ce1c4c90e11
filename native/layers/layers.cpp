#include "layers/layers.h"

#include <array>
#include <cmath>

#include "layers/initial_values.h"

namespace maskrcnn {
namespace {

// torch/nn/modules/conv.py and linear.py, reset_parameters: a convolution and a linear layer draw
// weights and biases in the same range, 1 / sqrt(fan_in).
void draw_parameters(const at::Tensor& weight, const at::Tensor& bias) {
  draw_kaiming_uniform(weight, /*negative_slope=*/std::sqrt(5.0));
  if (bias.defined()) draw_uniform(bias, 1 / std::sqrt(fan_in(weight)));
}

}  // namespace

Conv2d::Conv2d(const Conv2dOptions& given) : options(given) {
  const auto kernel = options.kernel;
  weight = add_parameter(
      "weight", at::empty({options.out, options.in / options.groups, kernel, kernel}));
  if (options.bias) bias = add_parameter("bias", at::empty({options.out}));
  draw_parameters(weight, bias);
}

at::Tensor Conv2d::forward(const at::Tensor& x) {
  return ops::convolve(x, weight, bias, geometry());
}

ops::ConvolutionGeometry Conv2d::geometry() const {
  const auto both = [](int64_t each) { return std::array{each, each}; };
  return {both(options.stride), both(options.padding), both(options.dilation), options.groups};
}

ConvTranspose2d::ConvTranspose2d(int64_t in, int64_t out, int64_t kernel)
    : weight(add_parameter("weight", at::empty({in, out, kernel, kernel}))),
      bias(add_parameter("bias", at::empty({out}))) {
  draw_parameters(weight, bias);
}

Linear::Linear(int64_t in, int64_t out)
    : weight(add_parameter("weight", at::empty({out, in}))),
      bias(add_parameter("bias", at::empty({out}))) {
  draw_parameters(weight, bias);
}

}  // namespace maskrcnn
