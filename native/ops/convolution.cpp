#include "ops/convolution.h"

#include <ATen/autocast_mode.h>

#include <algorithm>
#include <array>
#include <tuple>
#include <vector>

#include "aten.h"
#include "ops/amx_weight_gradient.h"
#include "ops/depthwise.h"
#include "ops/differentiable.h"
#include "ops/panel_product.h"
#include "ops/processor.h"
#include "ops/recorded_products.h"
#include "ops/winograd.h"
#include "ops/winograd_transforms.h"

// Letters: N images, C input and K output channels, H W rows and columns.

namespace maskrcnn::ops {
namespace {

bool all_are(at::IntArrayRef values, int64_t wanted) {
  return std::all_of(values.begin(), values.end(), [&](int64_t value) { return value == wanted; });
}

// Whether Winograd's algorithm is faster than a direct convolution in the same type
// (docs/performance.md). It transforms the weights once, so the maps must be large. In bfloat16 it
// still multiplies float32, at half the rate, so it must also waste little on tiles that reach
// beyond the maps. AMX multiplies bfloat16 at eight times that rate.
bool pays_by_winograd(const at::Tensor& input, const at::Tensor& weight, at::ScalarType type) {
  const auto most = std::max(weight.size(0), weight.size(1));
  const auto least = std::min(weight.size(0), weight.size(1));
  const auto pixels = input.size(0) * input.size(2) * input.size(3);
  if (least < 64) return false;
  if (type == at::kFloat) return pixels >= 3 * most;
  return type == at::kBFloat16 && product_kernels().size() > 1 && !has_amx() &&
         pixels >= 8 * most && 100 * pixels >= 85 * kTile * kTile * Tiling(input).count();
}

// Whether a training step in bfloat16 computes this convolution directly, but the gradient of its
// weights by AMX.
bool suits_amx(
    const at::Tensor& input, const at::Tensor& weight, const ConvolutionGeometry& geometry) {
  return input.is_cpu() && input.dim() == 4 && computed_type(input) == at::kBFloat16 &&
         weight.scalar_type() == at::kFloat && suits_amx_weight_gradient(weight, geometry);
}

// Whether oneDNN has no fast way to compute the gradient of the input (depthwise.h).
bool is_strided_depthwise(
    const at::Tensor& input, const at::Tensor& weight, const ConvolutionGeometry& geometry) {
  return input.is_cpu() && input.dim() == 4 && computed_type(input) == at::kBFloat16 &&
         weight.size(1) == 1 && geometry.groups == weight.size(0) && geometry.groups > 1 &&
         !all_are(geometry.stride, 1);
}

// By libtorch: of the input, the weight and the bias, those that are wanted.
std::tuple<at::Tensor, at::Tensor, at::Tensor> direct_gradients(
    const at::Tensor& input,
    const at::Tensor& weight,
    const at::Tensor& grad,
    const ConvolutionGeometry& geometry,
    std::array<bool, 3> wanted) {
  return at::convolution_backward(
      grad,
      input,
      weight.to(grad.scalar_type()),
      /*bias_sizes=*/{},
      geometry.stride,
      geometry.padding,
      geometry.dilation,
      /*transposed=*/false,
      /*output_padding=*/{0, 0},
      geometry.groups,
      wanted);
}

at::Tensor direct_weight_gradient(
    const at::Tensor& input,
    const at::Tensor& weight,
    const at::Tensor& grad,
    const ConvolutionGeometry& geometry) {
  return std::get<1>(direct_gradients(input, weight, grad, geometry, {false, true, false}))
      .to(at::kFloat);
}

// The gradients of the input, the weight and, where there is one, the bias. The others: () ->
// at::Tensor
template <typename OfInput, typename OfWeight>
std::vector<at::Tensor> convolution_gradients(
    const Backward& pass, const OfInput& of_input, const OfWeight& of_weight) {
  std::vector<at::Tensor> grads(pass.wanted.size());
  if (pass.wanted[0]) grads[0] = of_input();
  if (pass.wanted[1]) grads[1] = of_weight();
  const bool has_bias = grads.size() == 3;
  if (has_bias && pass.wanted[2]) grads[2] = pass.grad.sum({0, 2, 3}, false, at::kFloat);
  return grads;
}

std::vector<at::Tensor> winograd_backward(
    const Backward& pass, const ConvolutionGeometry& geometry) {
  const auto& input = pass.saved[0];
  const auto& weight = pass.saved[1];
  return convolution_gradients(
      pass,
      [&] {
        // The convolution with the kernels rotated by 180 degrees.
        return winograd_convolution(pass.grad, weight.transpose(0, 1).flip({2, 3}), {});
      },
      [&] {
        return input.scalar_type() == at::kFloat
                   ? winograd_weight_gradient(input, pass.grad)
                   : direct_weight_gradient(input, weight, pass.grad, geometry);
      });
}

at::Tensor direct_input_gradient(
    const at::Tensor& input,
    const at::Tensor& weight,
    const at::Tensor& grad,
    const ConvolutionGeometry& geometry) {
  return std::get<0>(direct_gradients(input, weight, grad, geometry, {true, false, false}));
}

// Of a convolution whose weights have AMX's gradient.
std::vector<at::Tensor> amx_backward(const Backward& pass, const ConvolutionGeometry& geometry) {
  const auto& input = pass.saved[0];
  const auto& weight = pass.saved[1];
  return convolution_gradients(
      pass,
      [&] { return direct_input_gradient(input, weight, pass.grad, geometry); },
      [&] { return amx_weight_gradient(input, pass.grad, weight.size(2)); });
}

std::vector<at::Tensor> depthwise_backward(
    const Backward& pass, const ConvolutionGeometry& geometry) {
  const auto& input = pass.saved[0];
  const auto& weight = pass.saved[1];
  return convolution_gradients(
      pass,
      [&] {
        return depthwise_input_gradient(pass.grad, weight, input.size(2), input.size(3), geometry);
      },
      [&] { return direct_weight_gradient(input, weight, pass.grad, geometry); });
}

}  // namespace

at::ScalarType computed_type(const at::Tensor& input) {
  return input.is_cpu() && at::autocast::is_autocast_enabled(at::kCPU)
             ? at::autocast::get_autocast_dtype(at::kCPU)
             : input.scalar_type();
}

bool suits_winograd(
    const at::Tensor& input, const at::Tensor& weight, const ConvolutionGeometry& geometry) {
  return input.is_cpu() && input.dim() == 4 && weight.scalar_type() == at::kFloat &&
         weight.size(2) == 3 && weight.size(3) == 3 && geometry.groups == 1 &&
         all_are(geometry.stride, 1) && all_are(geometry.padding, 1) &&
         all_are(geometry.dilation, 1) && pays_by_winograd(input, weight, computed_type(input));
}

at::Tensor convolve(
    const at::Tensor& input,
    const at::Tensor& weight,
    const std::optional<at::Tensor>& bias,
    const ConvolutionGeometry& geometry,
    bool relu) {
  const auto type = computed_type(input);
  std::vector<at::Tensor> inputs = {input, weight};
  if (bias && bias->defined()) inputs.push_back(*bias);
  const bool trains = wants_gradients(inputs);
  const auto direct = [&](const at::Tensor& x, const at::Tensor& operand) {
    const auto& [stride, padding, dilation, groups] = geometry;
    return at::conv2d(x, operand, bias, stride, padding, dilation, groups);
  };
  using GradientsOf =
      std::vector<at::Tensor> (*)(const Backward& pass, const ConvolutionGeometry& geometry);
  const auto train = [&](const at::Tensor& operand, const auto& forward, GradientsOf gradients_of) {
    inputs[0] = input.to(type);
    return differentiable(
        inputs,
        /*saved=*/{inputs[0], operand},
        [&] { return forward(inputs[0], operand); },
        [=](const Backward& pass) { return gradients_of(pass, geometry); });
  };
  at::Tensor out;
  if (suits_winograd(input, weight, geometry)) {
    const auto pixels = input.size(0) * input.size(2) * input.size(3);
    record_products(static_cast<double>(pixels) * static_cast<double>(weight.numel()));
    if (!trains) return winograd_convolution(input.to(type), weight, bias, relu);
    const auto forward = [&](const at::Tensor& x, const at::Tensor& operand) {
      return winograd_convolution(x, operand, bias);
    };
    out = train(weight, forward, winograd_backward);
  } else if (trains && is_strided_depthwise(input, weight, geometry)) {
    out = train(weight.detach().to(type), direct, depthwise_backward);
  } else if (trains && suits_amx(input, weight, geometry)) {
    out = train(weight.detach().to(type), direct, amx_backward);
  } else {
    out = direct(input, weight);
  }
  return relu ? out.relu_() : out;
}

}  // namespace maskrcnn::ops
