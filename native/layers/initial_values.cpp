#include "layers/initial_values.h"

#include <ATen/core/grad_mode.h>

#include <cmath>

namespace maskrcnn {
namespace {

thread_local bool draws_nothing = false;

int64_t kernel_size(const at::Tensor& weight) {
  return weight.numel() / (weight.size(0) * weight.size(1));
}

// The gain of a leaky ReLU (Delving Deep into Rectifiers, section 2.2).
double gain_of(double negative_slope) {
  return std::sqrt(2.0 / (1 + std::pow(negative_slope, 2)));
}

}  // namespace

WithoutInitialValues::WithoutInitialValues() {
  draws_nothing = true;
}

WithoutInitialValues::~WithoutInitialValues() {
  draws_nothing = false;
}

int64_t fan_in(const at::Tensor& weight) {
  return weight.size(1) * kernel_size(weight);
}

void draw_uniform(const at::Tensor& tensor, double bound) {
  const at::NoGradGuard no_grad;
  if (!draws_nothing) tensor.uniform_(-bound, bound);
}

void draw_normal(const at::Tensor& tensor, double deviation) {
  const at::NoGradGuard no_grad;
  if (!draws_nothing) tensor.normal_(/*mean=*/0, deviation);
}

void draw_kaiming_uniform(const at::Tensor& weight, double negative_slope) {
  const auto deviation = gain_of(negative_slope) / std::sqrt(fan_in(weight));
  draw_uniform(weight, std::sqrt(3.0) * deviation);
}

void draw_kaiming_normal(const at::Tensor& weight) {
  const auto fan_out = weight.size(0) * kernel_size(weight);
  draw_normal(weight, gain_of(0) / std::sqrt(fan_out));
}

void fill_zeros(const at::Tensor& tensor) {
  const at::NoGradGuard no_grad;
  if (tensor.defined()) tensor.zero_();
}

}  // namespace maskrcnn
