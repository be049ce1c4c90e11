#include "layers/linear_relu.h"

#include "device/precision.h"
#include "ops/differentiable.h"
#include "ops/linear.h"

namespace maskrcnn {

at::Tensor LinearReLU::forward(const at::Tensor& x, const Linear& linear) {
  return forward(x, {linear.weight, linear.bias}, [&] {
    return LinearWeights{linear.weight, linear.bias};
  });
}

at::Tensor LinearReLU::forward(
    const at::Tensor& x,
    const std::vector<at::Tensor>& sources,
    const std::function<LinearWeights()>& make) {
  // In float32 this is no faster than ops::linear.
  const bool is_fixed = !ops::wants_gradients(sources);
  if (is_fixed && !ops::wants_gradients(x) && prepacked_weights_type(x) == at::kBFloat16) {
    const auto& prepacked = prepacked_.get(sources, [&] {
      const auto [weight, bias] = make();
      return ops::PrepackedLinear(weight, bias, x.size(0), ops::relu_epilogue());
    });
    return prepacked.forward(x.to(at::kBFloat16));
  }
  const auto apply = [&](const LinearWeights& weights) {
    return ops::linear(x, weights.weight, weights.bias).relu_();
  };
  if (const auto type = cached_weights_type(x); type && is_fixed) {
    return apply(cached_.get(sources, [&] {
      const auto [weight, bias] = make();
      return LinearWeights{weight.to(*type), bias.to(*type)};
    }));
  }
  return apply(make());
}

}  // namespace maskrcnn
