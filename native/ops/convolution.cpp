#include "ops/convolution.h"

#include <ATen/autocast_mode.h>
#include <ATen/record_function.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <vector>

#include "aten.h"
#include "ops/winograd.h"

// Letters: N images, C input and K output channels, H W rows and columns.

namespace maskrcnn::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Below these limits, the transforms cost more than the algorithm saves (docs/performance.md).
constexpr int64_t kLeastChannels = 128, kLeastPixels = 2048;

bool all_are(at::IntArrayRef values, int64_t wanted) {
  return std::all_of(values.begin(), values.end(), [&](int64_t value) { return value == wanted; });
}

struct WinogradFunction : torch::autograd::Function<WinogradFunction> {
  static at::Tensor forward(
      AutogradContext* context,
      const at::Tensor& input,
      const at::Tensor& weight,
      const std::optional<at::Tensor>& bias) {
    context->save_for_backward({input, weight});
    context->saved_data["has_bias"] = bias.has_value() && bias->defined();
    return winograd_convolution(input, weight, bias);
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const auto saved = context->get_saved_variables();
    const auto& input = saved[0];
    const auto& weight = saved[1];
    const auto& grad = grads[0];
    at::Tensor grad_input, grad_weight, grad_bias;
    if (context->needs_input_grad(0)) {
      // The convolution with the kernels rotated by 180 degrees.
      grad_input = winograd_convolution(grad, weight.transpose(0, 1).flip({2, 3}), {});
    }
    if (context->needs_input_grad(1)) grad_weight = winograd_weight_gradient(input, grad);
    // Without a bias there is no third input to ask needs_input_grad about.
    if (context->saved_data["has_bias"].toBool() && context->needs_input_grad(2))
      grad_bias = grad.sum({0, 2, 3});
    return {grad_input, grad_weight, grad_bias};
  }
};

}  // namespace

bool suits_winograd(
    const at::Tensor& input, const at::Tensor& weight, const ConvolutionGeometry& geometry) {
  return input.is_cpu() && input.dim() == 4 && input.scalar_type() == at::kFloat &&
         weight.scalar_type() == at::kFloat && weight.size(2) == 3 && weight.size(3) == 3 &&
         geometry.groups == 1 && all_are(geometry.stride, 1) && all_are(geometry.padding, 1) &&
         all_are(geometry.dilation, 1) &&
         std::min(weight.size(0), weight.size(1)) >= kLeastChannels &&
         input.size(0) * input.size(2) * input.size(3) >= kLeastPixels &&
         !at::autocast::is_autocast_enabled(at::kCPU);
}

at::Tensor convolve(
    const at::Tensor& input,
    const at::Tensor& weight,
    const std::optional<at::Tensor>& bias,
    const ConvolutionGeometry& geometry) {
  if (suits_winograd(input, weight, geometry)) {
    // stage_costs.cpp counts operations by this record.
    const auto pixels = input.size(0) * input.size(2) * input.size(3);
    RECORD_FUNCTION(
        "maskrcnn::products",
        std::vector<c10::IValue>(
            {static_cast<double>(pixels) * static_cast<double>(weight.numel())}));
    return WinogradFunction::apply(input, weight, bias);
  }
  return at::conv2d(
      input, weight, bias, geometry.stride, geometry.padding, geometry.dilation, geometry.groups);
}

}  // namespace maskrcnn::ops
