#include "model/linear_relu.h"

#include "model/precision.h"

namespace maskrcnn {

at::Tensor LinearReLU::forward(const at::Tensor& x, const torch::nn::Linear& linear) {
  return forward(x, {linear->weight, linear->bias}, [&] {
    return LinearWeights{linear->weight, linear->bias};
  });
}

at::Tensor LinearReLU::forward(
    const at::Tensor& x,
    const std::vector<at::Tensor>& sources,
    const std::function<LinearWeights()>& make) {
  if (takes_prepared_weights(x)) {
    const auto& prepared = prepared_.get(sources, [&] {
      const auto [weight, bias] = make();
      return ops::PreparedLinear(weight, bias, x.size(0), {"relu", {}});
    });
    return prepared.forward(x.to(at::kBFloat16));
  }
  const auto [weight, bias] = make();
  return at::linear(x, weight, bias).relu_();
}

}  // namespace maskrcnn
