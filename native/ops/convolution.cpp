#include "ops/convolution.h"

#include <ATen/autocast_mode.h>

#include <algorithm>
#include <vector>

#include "aten.h"
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

at::Tensor direct_weight_gradient(
    const at::Tensor& input, const at::Tensor& weight, const at::Tensor& grad) {
  const auto gradients = at::convolution_backward(
      grad,
      input,
      weight.to(grad.scalar_type()),
      /*bias_sizes=*/{},
      /*stride=*/{1, 1},
      /*padding=*/{1, 1},
      /*dilation=*/{1, 1},
      /*transposed=*/false,
      /*output_padding=*/{0, 0},
      /*groups=*/1,
      /*output_mask=*/{false, true, false});
  return std::get<1>(gradients).to(weight.scalar_type());
}

std::vector<at::Tensor> winograd_backward(const Backward& pass) {
  const auto& input = pass.saved[0];
  const auto& weight = pass.saved[1];
  std::vector<at::Tensor> grads(pass.wanted.size());
  if (pass.wanted[0]) {
    // The convolution with the kernels rotated by 180 degrees.
    grads[0] = winograd_convolution(pass.grad, weight.transpose(0, 1).flip({2, 3}), {});
  }
  if (pass.wanted[1]) {
    grads[1] = input.scalar_type() == at::kFloat ? winograd_weight_gradient(input, pass.grad)
                                                 : direct_weight_gradient(input, weight, pass.grad);
  }
  const bool has_bias = grads.size() == 3;
  if (has_bias && pass.wanted[2]) grads[2] = pass.grad.sum({0, 2, 3}, false, at::kFloat);
  return grads;
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
  if (suits_winograd(input, weight, geometry)) {
    const auto pixels = input.size(0) * input.size(2) * input.size(3);
    record_products(static_cast<double>(pixels) * static_cast<double>(weight.numel()));
    const auto x = input.to(computed_type(input));
    std::vector<at::Tensor> inputs = {x, weight};
    if (bias && bias->defined()) inputs.push_back(*bias);
    if (relu && !wants_gradients(inputs)) {
      return winograd_convolution(x, weight, bias, /*relu=*/true);
    }
    const auto forward = [&] { return winograd_convolution(x, weight, bias); };
    const auto out = differentiable(inputs, /*saved=*/{x, weight}, forward, winograd_backward);
    return relu ? out.relu_() : out;
  }
  const auto out = at::conv2d(
      input, weight, bias, geometry.stride, geometry.padding, geometry.dilation, geometry.groups);
  return relu ? out.relu_() : out;
}

}  // namespace maskrcnn::ops
