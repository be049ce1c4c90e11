#include "ops/batch_norm.h"

#include <algorithm>
#include <vector>

#include "aten.h"
#include "ops/batch_norm_cpu.h"
#include "ops/differentiable.h"

// Letters: N images, C channels, H W rows and columns, P processes.

namespace maskrcnn::ops {
namespace {

int64_t pixels_of(const at::Tensor& x) {
  return x.numel() / x.size(1);
}

at::Tensor per_channel(const at::Tensor& values /*[C]*/) {
  return values.to(at::kFloat).view({1, -1, 1, 1});
}

at::Tensor add_up(const at::Tensor& maps) {
  return maps.sum(at::IntArrayRef{0, 2, 3}, /*keepdim=*/false, at::kDouble);  // [C]
}

// The four passes of batch_norm_cpu.h, on any device.

Moments moments(const at::Tensor& x) {
  if (x.is_cpu()) return moments_on_cpu(x);
  const auto count = static_cast<double>(std::max<int64_t>(pixels_of(x), 1));
  const auto mean = add_up(x) / count;
  // Around the mean, which float32 rounds, the squares are as small as the variance.
  const auto shift = mean.to(at::kFloat);
  const auto squares = add_up((x.to(at::kFloat) - per_channel(shift)).square()) / count;
  return {mean, (squares - (mean - shift).square()).clamp_min(0)};
}

at::Tensor normalize(
    const at::Tensor& x,
    const at::Tensor& weight,
    const at::Tensor& bias,
    const at::Tensor& mean,
    const at::Tensor& inv_std,
    const LayerEnd& end) {
  if (x.is_cpu()) return normalize_on_cpu(x, weight, bias, mean, inv_std, end);
  const auto scale = inv_std * weight;
  const auto scaled = x.to(at::kFloat) * per_channel(scale) + per_channel(bias - mean * scale);
  return end.apply(scaled).to(x.scalar_type());
}

GradientMoments gradient_moments(
    const at::Tensor& grad, const at::Tensor& x, const at::Tensor& mean) {
  if (x.is_cpu()) return gradient_moments_on_cpu(grad, x, mean);
  const auto shift = mean.to(at::kFloat);
  const auto of_grad = add_up(grad);
  const auto product = add_up(grad.to(at::kFloat) * (x.to(at::kFloat) - per_channel(shift)));
  return {of_grad, product + (shift - mean) * of_grad};
}

at::Tensor gradient(
    const at::Tensor& grad,
    const at::Tensor& x,
    const at::Tensor& weight,
    const at::Tensor& mean,
    const at::Tensor& inv_std,
    const GradientMoments& sums,
    const at::Tensor& count /*[1]*/) {
  if (x.is_cpu())
    return gradient_on_cpu(grad, x, weight, mean, inv_std, sums, count.item<double>());
  const auto factor = inv_std * weight;
  const auto of_x = factor * inv_std.square() * sums.product / count;
  const auto result = grad.to(at::kFloat) * per_channel(factor) -
                      (x.to(at::kFloat) - per_channel(mean)) * per_channel(of_x) -
                      per_channel(factor * sums.grad / count);
  return result.to(x.scalar_type());
}

// What is known of the maps of all processes.
struct Statistics {
  at::Tensor count;  // [1] f64: pixels
  Moments moments;
};

// Of all processes, from those of each (Chan et al., "Updating formulae and a pairwise algorithm
// for computing sample variances", 1979): no large numbers are subtracted from each other.
Statistics merge(const at::Tensor& parts /*[P,1+2·C]*/) {
  const auto channels = (parts.size(1) - 1) / 2;
  const auto counts = parts.narrow(1, 0, 1);
  const auto means = parts.narrow(1, 1, channels);
  const auto variances = parts.narrow(1, 1 + channels, channels);
  const auto count = counts.sum(0);
  const auto divisor = count.clamp_min(1);
  const auto mean = (counts * means).sum(0) / divisor;
  const auto variance = (counts * (variances + (means - mean).square())).sum(0) / divisor;
  return {count, {mean, variance}};
}

Statistics statistics_of(const at::Tensor& x, const Exchange* exchange) {
  const auto own = moments(x);
  const auto count = at::full({1}, pixels_of(x), own.mean.options());
  if (exchange == nullptr) return {count, own};
  const auto all = merge(exchange->gather(at::cat({count, own.mean, own.variance})));
  // On other devices, to look at the number would be to wait for it.
  TORCH_CHECK(
      !x.is_cpu() || all.count.item<double>() != 1,
      "a batch norm in training needs more than one value per channel in all processes together, "
      "got one");
  return all;
}

std::vector<at::Tensor> backward(const Backward& pass, bool relu, const Exchange* exchange) {
  const auto& x = pass.saved[0];
  const auto& weight = pass.saved[1];
  const auto& mean = pass.saved[2];
  const auto& inv_std = pass.saved[3];
  const auto& count = pass.saved[4];
  auto grad =
      pass.grad.to(x.scalar_type())
          .contiguous(x.is_cpu() ? at::MemoryFormat::ChannelsLast : x.suggest_memory_format());
  if (relu) grad = at::threshold_backward(grad, /*result=*/pass.saved[5], 0);
  auto sums = gradient_moments(grad, x, mean);
  const auto of_weight = (sums.product * inv_std).to(at::kFloat),
             of_bias = sums.grad.to(at::kFloat);
  if (exchange != nullptr) {
    const auto both = at::cat({sums.grad, sums.product});
    exchange->sum(both);
    sums = {both.narrow(0, 0, x.size(1)), both.narrow(0, x.size(1), x.size(1))};
  }
  return {
      gradient(grad, x, weight, mean, inv_std, sums, count.clamp_min(1)), of_weight, of_bias, grad};
}

}  // namespace

bool suits_batch_norm(const at::Tensor& x) {
  return x.is_cpu() && x.dim() == 4 && x.is_contiguous(at::MemoryFormat::ChannelsLast) &&
         (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) && x.numel() > 0 &&
         pixels_of(x) > 1;
}

at::Tensor batch_norm(
    const at::Tensor& x,
    const at::Tensor& weight,
    const at::Tensor& bias,
    at::Tensor running_mean,
    at::Tensor running_var,
    const BatchNormOptions& options,
    const LayerEnd& end) {
  return batch_norm(x, weight, bias, running_mean, running_var, options, end, /*exchange=*/nullptr);
}

at::Tensor batch_norm(
    const at::Tensor& maps,
    const at::Tensor& weight,
    const at::Tensor& bias,
    at::Tensor running_mean,
    at::Tensor running_var,
    const BatchNormOptions& options,
    const LayerEnd& given_end,
    const std::shared_ptr<const Exchange>& exchange) {
  auto x = maps;
  auto end = given_end;
  if (x.is_cpu()) {
    if (x.scalar_type() != at::kBFloat16) x = x.to(at::kFloat);
    x = x.contiguous(at::MemoryFormat::ChannelsLast);
    if (end.addend.defined())
      end.addend = end.addend.to(x.scalar_type()).contiguous(at::MemoryFormat::ChannelsLast);
  }
  const auto statistics = x.options().dtype(at::kDouble);
  auto mean = at::empty({x.size(1)}, statistics), inv_std = at::empty_like(mean);
  auto count = at::empty({1}, statistics);
  const auto forward = [&] {
    const auto all = statistics_of(x, exchange.get());
    count.copy_(all.count);
    mean.copy_(all.moments.mean);
    inv_std.copy_((all.moments.variance + options.eps).sqrt().reciprocal());
    const auto result = normalize(x, weight, bias, mean, inv_std, end);
    // Maps of no image move nothing.
    const auto step = (count > 0).to(at::kFloat) * options.momentum;
    const auto unbiased = all.moments.variance * (count / (count - 1).clamp_min(1));
    running_mean.lerp_(mean.to(at::kFloat), step);
    running_var.lerp_(unbiased.to(at::kFloat), step);
    return result;
  };
  std::vector<at::Tensor> inputs = {x, weight, bias};
  if (end.addend.defined()) inputs.push_back(end.addend);
  return differentiable(
      inputs,
      /*saved=*/{x, weight, mean, inv_std, count},
      forward,
      [exchange, relu = end.relu](const Backward& pass) {
        auto grads = backward(pass, relu, exchange.get());
        grads.resize(pass.wanted.size());  // one less without an addend
        return grads;
      },
      /*saves_result=*/end.relu);
}

}  // namespace maskrcnn::ops
