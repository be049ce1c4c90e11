#include "ops/linear.h"

#include <ATen/autocast_mode.h>

#include <vector>

#include "aten.h"
#include "kernels/matmul.h"
#include "kernels/panel_product.h"
#include "ops/differentiable.h"
#include "ops/recorded_products.h"

// Letters: R rows of input, C input and K output channels.

namespace maskrcnn::ops {
namespace {

bool suits(const at::Tensor& x, const at::Tensor& weight) {
  return product_kernels().size() > 1 && x.is_cpu() && x.dim() == 2 && x.numel() > 0 &&
         x.scalar_type() == at::kFloat && weight.scalar_type() == at::kFloat &&
         !at::autocast::is_autocast_enabled(at::kCPU);
}

at::Tensor product(const at::Tensor& left, const at::Tensor& right) {
  auto result = at::empty({left.size(0), right.size(1)}, left.options());
  matmul(left, right, result, /*add=*/false);
  return result;
}

std::vector<at::Tensor> linear_backward(const Backward& pass) {
  const auto& x = pass.saved[0];
  const auto& weight = pass.saved[1];
  at::Tensor grad_x, grad_weight, grad_bias;
  if (pass.wanted[0]) grad_x = product(pass.grad, weight);
  if (pass.wanted[1]) grad_weight = product(pass.grad.t(), x);
  if (pass.wanted[2]) grad_bias = pass.grad.sum(0);
  return {grad_x, grad_weight, grad_bias};
}

}  // namespace

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  if (!suits(x, weight)) return at::linear(x, weight, bias);
  record_products(static_cast<double>(x.size(0)) * static_cast<double>(weight.numel()));
  const auto forward = [&] {
    auto result = bias.repeat({x.size(0), 1});
    matmul(x, weight.t(), result, /*add=*/true);
    return result;
  };
  return differentiable({x, weight, bias}, /*saved=*/{x, weight}, forward, linear_backward);
}

}  // namespace maskrcnn::ops
