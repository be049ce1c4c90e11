#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "layers/module.h"
#include "model/body.h"
#include "model/fpn.h"
#include "model/options.h"

namespace maskrcnn {

// A classification network without its head, followed by a feature pyramid (torchvision
// detection/backbone_utils.py).
struct Backbone : Module {
  explicit Backbone(const BackboneOptions& options);

  // images [N,3,H,W] -> levels '0', '1', ... and finally 'pool': [N,out_channels,H_l,W_l]
  std::vector<at::Tensor> forward(const at::Tensor& images);
  // images [N,3,H,W] -> the maps that feed the pyramid: [N,C_l,H_l,W_l], finest first
  std::vector<at::Tensor> forward_body(const at::Tensor& images);
  std::vector<at::Tensor> forward_fpn(const std::vector<at::Tensor>& maps);
  // Pixels of the image per cell of each level, in the order of forward().
  std::vector<int64_t> strides() const;

  int64_t out_channels;
  std::shared_ptr<Body> body;
  std::shared_ptr<FeaturePyramidNetwork> fpn;
};

}  // namespace maskrcnn
