#include "layers/squeeze_excitation.h"

namespace maskrcnn {

SqueezeExcitation::SqueezeExcitation(int64_t channels, int64_t squeezed) {
  const auto convolution = [](int64_t in, int64_t out) {
    return std::make_shared<Conv2d>(Conv2dOptions{.in = in, .out = out, .kernel = 1});
  };
  fc1 = add("fc1", convolution(channels, squeezed));
  fc2 = add("fc2", convolution(squeezed, channels));
}

at::Tensor SqueezeExcitation::forward(const at::Tensor& x) {
  auto gate = at::adaptive_avg_pool2d(x, {1, 1});  // [N,channels,1,1]
  gate = fc2->forward(fc1->forward(gate).relu_());
  return x * at::hardsigmoid(gate);
}

}  // namespace maskrcnn
