#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "boxes/anchors.h"
#include "boxes/boxes.h"
#include "boxes/sampler.h"
#include "device/precision.h"

namespace maskrcnn {

struct BackboneOptions {
  std::string name;          // torchvision's name: 'resnet50', ...
  bool frozen_norm;          // FrozenBatchNorm2d instead of BatchNorm2d in the body
  double frozen_norm_eps;    // 1e-5, or 0 for COCO_V1 weights
  int64_t trainable_layers;  // counted from the last layer; 0..5 for ResNets, 0..6 for MobileNets
  // Stages that feed the pyramid, ascending. ResNet: 1..4; MobileNet: 0..5.
  std::vector<int64_t> returned_layers;
  bool fpn_batch_norm;  // version 2
  int64_t fpn_channels;
};

struct TransformOptions {
  std::vector<int64_t> min_size;  // candidates for the shorter side; detection uses the last
  int64_t max_size;
  std::array<double, 3> image_mean;
  std::array<double, 3> image_std;
  int64_t size_divisible;
  std::optional<ImageSize> fixed_size;
  bool skip_resize;
};

struct ProposalOptions {
  int64_t pre_nms_top_n;  // per level
  int64_t post_nms_top_n;
};

struct RpnOptions {
  AnchorOptions anchors;
  int64_t conv_depth;
  SamplingOptions sampling;
  ProposalOptions training;
  ProposalOptions testing;
  double nms_thresh;
  double score_thresh;
};

struct RoiPoolOptions {
  std::vector<std::string> featmap_names;
  int64_t output_size;
  int64_t sampling_ratio;
};

struct DetectionOptions {
  double score_thresh;
  double nms_thresh;
  int64_t detections_per_img;
};

struct RoiHeadsOptions {
  int64_t num_classes;          // including the background
  bool convolutional_heads;     // version 2: convolutions with batch norm
  int64_t representation_size;  // of the box head
  bool masks;                   // false: no mask head, which is Faster R-CNN
  int64_t mask_channels;
  RoiPoolOptions box_roi_pool;
  RoiPoolOptions mask_roi_pool;
  SamplingOptions sampling;
  std::array<double, 4> bbox_reg_weights;
  DetectionOptions detection;
};

// torchvision's constructor arguments. There are no defaults here: TypeScript fills them in
// (lib/model/complete-options.ts).
struct MaskRCNNOptions {
  Arithmetic arithmetic;
  bool graphs;  // see captured_forward.h
  BackboneOptions backbone;
  TransformOptions transform;
  RpnOptions rpn;
  RoiHeadsOptions roi_heads;
};

}  // namespace maskrcnn
