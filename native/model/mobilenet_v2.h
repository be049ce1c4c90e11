#pragma once

#include <cstdint>
#include <vector>

#include "model/mobilenet.h"

namespace maskrcnn {

// MobileNetV2, section 3.3: expansion, depthwise convolution, projection, and a shortcut if the
// shape does not change.
struct InvertedResidualV2 : Layer {
  InvertedResidualV2(
      int64_t in, int64_t out, int64_t stride, int64_t expansion, const NormOptions& norm);

  // [N,in,H,W] -> [N,out,H/stride,W/stride]
  at::Tensor forward(const at::Tensor& x) override;

  std::vector<std::shared_ptr<ConvNormActivation>> blocks;  // expansion, depthwise convolution
  ConvolutionUnit project;
  bool has_shortcut;
};

std::vector<MobileNetLayer> mobilenet_v2(const NormOptions& norm);

}  // namespace maskrcnn
