#pragma once

#include <cstdint>
#include <vector>

#include "layers/module.h"

namespace maskrcnn {

// The network below a feature pyramid: the layers of a classification network up to the last
// returned one, with torchvision's names (torchvision models/_utils.py, IntermediateLayerGetter).
struct Body : Module {
  // images [N,3,H,W] -> one map per returned layer: [N,C_l,H_l,W_l], finest first
  virtual std::vector<at::Tensor> forward(const at::Tensor& images) = 0;

  // Whether backward passes compute again what is between some maps, instead of keeping it.
  bool checkpoints_activations = false;
  std::vector<int64_t> map_channels;  // C_l
  std::vector<int64_t> map_strides;   // pixels of the image per cell of the map
};

}  // namespace maskrcnn
