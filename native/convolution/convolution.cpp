#include "convolution/convolution.h"

#include <ATen/autocast_mode.h>

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>
#include <vector>

#include "aten.h"
#include "convolution/amx_weight_gradient.h"
#include "convolution/depthwise.h"
#include "convolution/prepacked.h"
#include "convolution/winograd.h"
#include "convolution/winograd_transforms.h"
#include "kernels/panel_product.h"
#include "kernels/processor.h"
#include "ops/differentiable.h"
#include "ops/recorded_products.h"

// Letters: N images, C input and K output channels, H W rows and columns.

namespace maskrcnn::ops {
namespace {

bool all_are(at::IntArrayRef values, int64_t wanted) {
  return std::all_of(values.begin(), values.end(), [&](int64_t value) { return value == wanted; });
}

bool multiplies_by_amx() {
  return has_amx() && can_prepack(at::kBFloat16);
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
  return type == at::kBFloat16 && product_kernels().size() > 1 && !multiplies_by_amx() &&
         pixels >= 8 * most && 100 * pixels >= 85 * kTile * kTile * Tiling(input).count();
}

// Whether oneDNN has no fast way in bfloat16 to compute the gradient of the input (depthwise.h).
bool is_strided_depthwise(const at::Tensor& weight, const ConvolutionGeometry& geometry) {
  return weight.size(1) == 1 && geometry.groups == weight.size(0) && geometry.groups > 1 &&
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

at::Tensor direct_input_gradient(
    const at::Tensor& input,
    const at::Tensor& weight,
    const at::Tensor& grad,
    const ConvolutionGeometry& geometry) {
  return std::get<0>(direct_gradients(input, weight, grad, geometry, {true, false, false}));
}

// How a convolution is computed and differentiated in training.
struct Training {
  at::Tensor (*forward)(
      const at::Tensor& x,
      const at::Tensor& weight,
      const std::optional<at::Tensor>& bias,
      const ConvolutionGeometry& geometry,
      const LayerEnd& end);
  using Gradient = at::Tensor (*)(
      const at::Tensor& x,
      const at::Tensor& weight,
      const at::Tensor& grad,
      const ConvolutionGeometry& geometry);
  Gradient of_input, of_weight;
  bool rounds;  // the weights, the bias and the addend to the type of x
};

at::Tensor convolve_by_winograd(
    const at::Tensor& x,
    const at::Tensor& weight,
    const std::optional<at::Tensor>& bias,
    const ConvolutionGeometry&,
    const LayerEnd& end) {
  const auto pixels = x.size(0) * x.size(2) * x.size(3);
  record_products(static_cast<double>(pixels) * static_cast<double>(weight.numel()));
  const bool ends_here = !end.addend.defined();
  const auto out = winograd_convolution(x, weight, bias, ends_here && end.relu);
  return ends_here ? out : end.apply(out);
}

at::Tensor winograd_input_gradient(
    const at::Tensor&,
    const at::Tensor& weight,
    const at::Tensor& grad,
    const ConvolutionGeometry&) {
  // The convolution with the kernels rotated by 180 degrees.
  return winograd_convolution(grad, weight.transpose(0, 1).flip({2, 3}), {});
}

at::Tensor winograd_or_direct_weight_gradient(
    const at::Tensor& x,
    const at::Tensor& weight,
    const at::Tensor& grad,
    const ConvolutionGeometry& geometry) {
  return x.scalar_type() == at::kFloat ? winograd_weight_gradient(x, grad)
                                       : direct_weight_gradient(x, weight, grad, geometry);
}

at::Tensor convolve_directly(
    const at::Tensor& x,
    const at::Tensor& weight,
    const std::optional<at::Tensor>& bias,
    const ConvolutionGeometry& geometry,
    const LayerEnd& end) {
  const auto& [stride, padding, dilation, groups] = geometry;
  if (must_transpose(x, weight, geometry)) {
    const auto swap = [](const std::array<int64_t, 2>& sides) {
      return std::array<int64_t, 2>{sides[1], sides[0]};
    };
    const auto swapped = at::conv2d(
        x.transpose(2, 3),
        weight.transpose(2, 3),
        bias,
        swap(stride),
        swap(padding),
        swap(dilation),
        groups);
    return end.apply(swapped.transpose(2, 3));
  }
  return end.apply(at::conv2d(x, weight, bias, stride, padding, dilation, groups));
}

at::Tensor convolve_by_onednn(
    const at::Tensor& x,
    const at::Tensor& weight,
    const std::optional<at::Tensor>& bias,
    const ConvolutionGeometry& geometry,
    const LayerEnd& end) {
  return convolve_to_end(
      x,
      weight,
      bias.value_or(at::Tensor()),
      end.addend,
      geometry,
      end.relu ? relu_epilogue() : Epilogue{"none", {}},
      /*keeps_nan=*/true);
}

at::Tensor depthwise_gradient(
    const at::Tensor& x,
    const at::Tensor& weight,
    const at::Tensor& grad,
    const ConvolutionGeometry& geometry) {
  return depthwise_input_gradient(grad, weight, x.size(2), x.size(3), geometry);
}

at::Tensor amx_gradient(
    const at::Tensor& x,
    const at::Tensor& weight,
    const at::Tensor& grad,
    const ConvolutionGeometry&) {
  return amx_weight_gradient(x, grad, weight.size(2));
}

// Null where libtorch does all of it.
const Training* find_training(
    const at::Tensor& input,
    const at::Tensor& weight,
    const ConvolutionGeometry& geometry,
    const LayerEnd& end) {
  static constexpr Training winograd{
      convolve_by_winograd,
      winograd_input_gradient,
      winograd_or_direct_weight_gradient,
      /*rounds=*/false};
  static constexpr Training depthwise{
      convolve_directly, depthwise_gradient, direct_weight_gradient, /*rounds=*/true};
  static constexpr Training amx{
      convolve_by_onednn, direct_input_gradient, amx_gradient, /*rounds=*/true};
  static constexpr Training onednn{
      convolve_by_onednn, direct_input_gradient, direct_weight_gradient, /*rounds=*/true};
  if (suits_winograd(input, weight, geometry)) return &winograd;
  if (must_transpose(input, weight, geometry)) return nullptr;
  if (!input.is_cpu() || input.dim() != 4 || input.numel() == 0 ||
      weight.scalar_type() != at::kFloat) {
    return nullptr;
  }
  const auto type = computed_type(input);
  const bool by_onednn = can_prepack(type) && (geometry.groups == 1 || !end.addend.defined());
  if (type == at::kBFloat16) {
    if (is_strided_depthwise(weight, geometry)) return &depthwise;
    if (by_onednn && suits_amx_weight_gradient(weight, geometry)) return &amx;
  }
  return by_onednn && !end.is_empty() ? &onednn : nullptr;
}

// inputs: x, the weight, the bias and the addend, the last two if there are any.
at::Tensor train(
    const Training& training,
    std::vector<at::Tensor> inputs,
    const std::optional<at::Tensor>& bias,
    const ConvolutionGeometry& geometry,
    const LayerEnd& end) {
  const auto type = computed_type(inputs[0]);
  inputs[0] = inputs[0].to(type).contiguous(at::MemoryFormat::ChannelsLast);
  const auto weight = training.rounds ? inputs[1].detach().to(type) : inputs[1];
  const bool has_bias = bias && bias->defined();
  const auto in_type = [&](const at::Tensor& tensor) {
    return training.rounds && tensor.defined() ? tensor.to(type) : tensor;
  };
  const auto forward = [&] {
    return training.forward(
        inputs[0],
        weight,
        in_type(bias.value_or(at::Tensor())),
        geometry,
        {in_type(end.addend), end.relu});
  };
  const auto backward = [training, geometry, has_bias, relu = end.relu](const Backward& pass) {
    const auto& x = pass.saved[0];
    const auto& weight = pass.saved[1];
    const auto grad =
        relu ? at::threshold_backward(pass.grad, /*result=*/pass.saved[2], 0) : pass.grad;
    std::vector<at::Tensor> grads(2);
    if (pass.wanted[0]) grads[0] = training.of_input(x, weight, grad, geometry);
    if (pass.wanted[1]) grads[1] = training.of_weight(x, weight, grad, geometry);
    if (has_bias) {
      grads.push_back(pass.wanted[2] ? grad.sum({0, 2, 3}, false, at::kFloat) : at::Tensor());
    }
    grads.push_back(grad);  // of the addend
    grads.resize(pass.wanted.size());
    return grads;
  };
  return differentiable(
      inputs, /*saved=*/{inputs[0], weight}, forward, backward, /*saves_result=*/end.relu);
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

bool must_transpose(
    const at::Tensor& input, const at::Tensor& weight, const ConvolutionGeometry& geometry) {
  if (!input.is_cpu() || input.dim() != 4 || computed_type(input) != at::kBFloat16 ||
      geometry.stride[1] == 1 || weight.size(3) == 1) {
    return false;
  }
  const auto reach = geometry.dilation[1] * (weight.size(3) - 1) + 1;
  return input.size(3) + 2 * geometry.padding[1] - reach < geometry.stride[1];
}

at::Tensor convolve(
    const at::Tensor& input,
    const at::Tensor& weight,
    const std::optional<at::Tensor>& bias,
    const ConvolutionGeometry& geometry,
    const LayerEnd& end) {
  std::vector<at::Tensor> inputs = {input, weight};
  if (bias && bias->defined()) inputs.push_back(*bias);
  if (end.addend.defined()) inputs.push_back(end.addend);
  const bool trains = wants_gradients(inputs);
  const auto* training = trains ? find_training(input, weight, geometry, end) : nullptr;
  if (training != nullptr) return train(*training, std::move(inputs), bias, geometry, end);
  if (suits_winograd(input, weight, geometry)) {
    return convolve_by_winograd(input.to(computed_type(input)), weight, bias, geometry, end);
  }
  return convolve_directly(input, weight, bias, geometry, end);
}

}  // namespace maskrcnn::ops
