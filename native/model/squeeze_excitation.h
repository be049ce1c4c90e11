#pragma once

#include <cstdint>

#include "torch.h"

namespace maskrcnn {

// Squeeze-and-Excitation Networks, equations 2 to 4, with MobileNetV3's hard sigmoid as the gate.
struct SqueezeExcitationImpl : torch::nn::Module {
  SqueezeExcitationImpl(int64_t channels, int64_t squeezed);

  at::Tensor forward(const at::Tensor& x);  // [N,channels,H,W] -> same shape

  torch::nn::Conv2d fc1{nullptr}, fc2{nullptr};
};
TORCH_MODULE(SqueezeExcitation);

}  // namespace maskrcnn
