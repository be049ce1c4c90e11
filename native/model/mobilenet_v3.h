#pragma once

#include <cstdint>
#include <vector>

#include "model/mobilenet.h"

namespace maskrcnn {

struct InvertedResidualV3Options {
  int64_t in;
  int64_t kernel;
  int64_t expanded;
  int64_t out;
  bool squeeze_excitation;
  Activation activation;
  int64_t stride;
};

// MobileNetV3, section 4 and figure 4: the block of MobileNetV2 with squeeze-and-excitation before
// the projection.
struct InvertedResidualV3 : Layer {
  InvertedResidualV3(const InvertedResidualV3Options& options, const NormOptions& norm);

  // [N,in,H,W] -> [N,out,H/stride,W/stride]
  at::Tensor forward(const at::Tensor& x) override;

  std::shared_ptr<Sequential> block;
  bool has_shortcut;
};

std::vector<MobileNetLayer> mobilenet_v3_large(const NormOptions& norm);

}  // namespace maskrcnn
