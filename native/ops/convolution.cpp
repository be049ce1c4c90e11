#include "ops/convolution.h"

#include <ATen/autocast_mode.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <vector>

#include "aten.h"
#include "ops/differentiable.h"
#include "ops/winograd.h"

// Letters: N images, C input and K output channels, H W rows and columns.

namespace maskrcnn::ops {
namespace {

// Below these limits, the transforms cost more than the algorithm saves (docs/performance.md).
constexpr int64_t kLeastChannels = 64, kLeastPixels = 512;

bool all_are(at::IntArrayRef values, int64_t wanted) {
  return std::all_of(values.begin(), values.end(), [&](int64_t value) { return value == wanted; });
}

std::vector<at::Tensor> winograd_backward(const Backward& pass) {
  const auto& input = pass.saved[0];
  const auto& weight = pass.saved[1];
  std::vector<at::Tensor> grads(pass.wanted.size());
  if (pass.wanted[0]) {
    // The convolution with the kernels rotated by 180 degrees.
    grads[0] = winograd_convolution(pass.grad, weight.transpose(0, 1).flip({2, 3}), {});
  }
  if (pass.wanted[1]) grads[1] = winograd_weight_gradient(input, pass.grad);
  const bool has_bias = grads.size() == 3;
  if (has_bias && pass.wanted[2]) grads[2] = pass.grad.sum({0, 2, 3});
  return grads;
}

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
    const ConvolutionGeometry& geometry,
    bool relu) {
  if (suits_winograd(input, weight, geometry)) {
    // stage_costs.cpp counts operations by this record.
    const auto pixels = input.size(0) * input.size(2) * input.size(3);
    RECORD_FUNCTION(
        "maskrcnn::products",
        std::vector<c10::IValue>(
            {static_cast<double>(pixels) * static_cast<double>(weight.numel())}));
    std::vector<at::Tensor> inputs = {input, weight};
    if (bias && bias->defined()) inputs.push_back(*bias);
    if (relu && !wants_gradients(inputs)) {
      return winograd_convolution(input, weight, bias, /*relu=*/true);
    }
    const auto forward = [&] { return winograd_convolution(input, weight, bias); };
    const auto out = differentiable(inputs, /*saved=*/{input, weight}, forward, winograd_backward);
    return relu ? out.relu_() : out;
  }
  const auto out = at::conv2d(
      input, weight, bias, geometry.stride, geometry.padding, geometry.dilation, geometry.groups);
  return relu ? out.relu_() : out;
}

}  // namespace maskrcnn::ops
