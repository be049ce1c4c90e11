#include "model/squeeze_excitation.h"

namespace maskrcnn {

SqueezeExcitationImpl::SqueezeExcitationImpl(int64_t channels, int64_t squeezed) {
  fc1 = register_module(
      "fc1", torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, squeezed, /*kernel_size=*/1)));
  fc2 = register_module(
      "fc2", torch::nn::Conv2d(torch::nn::Conv2dOptions(squeezed, channels, /*kernel_size=*/1)));
}

at::Tensor SqueezeExcitationImpl::forward(const at::Tensor& x) {
  auto gate = at::adaptive_avg_pool2d(x, {1, 1});  // [N,channels,1,1]
  gate = fc2->forward(fc1->forward(gate).relu_());
  return x * at::hardsigmoid(gate);
}

}  // namespace maskrcnn
