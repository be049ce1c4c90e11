#pragma once

#include <cstdint>
#include <vector>

#include "layers/module.h"
#include "layers/norm_layer.h"

namespace maskrcnn {

// Top-down pathway with lateral connections (Feature Pyramid Networks, section 3), plus one level
// with half the resolution of the last (torchvision ops/feature_pyramid_network.py,
// LastLevelMaxPool).
struct FeaturePyramidNetwork : Module {
  FeaturePyramidNetwork(
      const std::vector<int64_t>& in_channels, int64_t out_channels, const NormOptions& norm);

  // maps [N,C_l,H_l,W_l], finest first -> [N,out_channels,H_l,W_l] and finally 'pool'
  std::vector<at::Tensor> forward(const std::vector<at::Tensor>& maps);

  std::shared_ptr<Sequential> inner_blocks, layer_blocks;  // one layer of each per map
};

}  // namespace maskrcnn
