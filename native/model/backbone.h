#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/body.h"
#include "model/fpn.h"
#include "torch.h"

namespace maskrcnn {

struct BackboneOptions {
  std::string name;          // torchvision's: 'resnet50', ...
  bool frozen_norm;          // FrozenBatchNorm2d instead of BatchNorm2d in the body
  double frozen_norm_eps;    // 1e-5, or 0 for COCO_V1 weights
  int64_t trainable_layers;  // counted from the last; 0..5 for ResNets, 0..6 for MobileNets
  // Stages that feed the pyramid, ascending. ResNet: 1..4; MobileNet: 0..5.
  std::vector<int64_t> returned_layers;
  bool fpn_batch_norm;  // version 2
};

// A classification network without its head under a feature pyramid (torchvision
// detection/backbone_utils.py).
struct BackboneImpl : torch::nn::Module {
  explicit BackboneImpl(const BackboneOptions& options);

  // images [N,3,H,W] -> levels '0', '1', ... and last 'pool': [N,256,H_l,W_l]
  std::vector<at::Tensor> forward(const at::Tensor& images);
  // images [N,3,H,W] -> the maps that feed the pyramid: [N,C_l,H_l,W_l], the finest first
  std::vector<at::Tensor> forward_body(const at::Tensor& images);
  std::vector<at::Tensor> forward_fpn(const std::vector<at::Tensor>& maps);

  int64_t out_channels = 256;
  std::shared_ptr<BodyImpl> body;
  FeaturePyramidNetwork fpn{nullptr};
};
TORCH_MODULE(Backbone);

}  // namespace maskrcnn
