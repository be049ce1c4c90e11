#pragma once

#include <cstdint>

#include "layers/layers.h"

namespace maskrcnn {

// Squeeze-and-Excitation Networks, equations 2 to 4, with MobileNetV3's hard sigmoid as the gate.
struct SqueezeExcitation : Layer {
  SqueezeExcitation(int64_t channels, int64_t squeezed);

  at::Tensor forward(const at::Tensor& x) override;  // [N,channels,H,W] -> same shape

  std::shared_ptr<Conv2d> fc1, fc2;
};

}  // namespace maskrcnn
