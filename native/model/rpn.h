#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "boxes/anchors.h"
#include "boxes/box_coder.h"
#include "boxes/matcher.h"
#include "boxes/sampler.h"
#include "layers/layers.h"
#include "model/options.h"
#include "model/targets.h"
#include "model/transform.h"

namespace maskrcnn {

// Letters: N images, L levels, A anchors per cell, S anchors of an image over all levels, T anchors
// of an image with the highest scores of each level.

struct RpnHeadOutput {
  std::vector<at::Tensor> objectness;  // per level [N,A,H_l,W_l]: logits
  std::vector<at::Tensor> bbox_pred;   // per level [N,4A,H_l,W_l]: offsets
};

// Convolutions over every level, with the same weights for all levels.
struct RpnHead : Module {
  RpnHead(int64_t channels, int64_t num_anchors, int64_t conv_depth);
  RpnHeadOutput forward(const std::vector<at::Tensor>& features);

  std::shared_ptr<Sequential> conv;
  std::shared_ptr<Conv2d> cls_logits, bbox_pred;

 private:
  // [N,C,H,W] -> objectness [N,A,H,W] and box offsets [N,4·A,H,W]
  std::pair<at::Tensor, at::Tensor> predict(const at::Tensor& x) const;
};

// Proposals of one image, best first.
struct Proposals {
  at::Tensor boxes;   // [P,4]
  at::Tensor scores;  // [P]: objectness, 0..1
};

std::vector<at::Tensor> boxes_of(const std::vector<Proposals>& proposals);

struct AnchorTargets {
  at::Tensor anchors;              // [S,4]
  std::vector<at::Tensor> labels;  // [S] f32 per image: 1 object, 0 background, -1 ignored
  std::vector<at::Tensor> boxes;   // [S,4] per image
  BalancedSampler::Pool pool;
};

struct RpnLosses {
  at::Tensor objectness;  // scalar
  at::Tensor box_reg;     // scalar
  int64_t sampled;        // number of anchors that both are means over
};

// Finds boxes that contain an object of any class (Faster R-CNN, section 3.1; torchvision
// detection/rpn.py).
struct RegionProposalNetwork : Module {
  RegionProposalNetwork(int64_t channels, const RpnOptions& options);

  RpnHeadOutput forward_head(const std::vector<at::Tensor>& features) {
    return head->forward(features);
  }

  // Returns the proposals per image, without gradients.
  std::vector<Proposals> propose(
      const RpnHeadOutput& output, const ImageList& images, const ProposalOptions& limits) const;

  // Merges several lists of proposals for one image by NMS and keeps the best.
  Proposals merge(const std::vector<Proposals>& lists, const ProposalOptions& limits) const;

  // Assigns labels and ground-truth boxes to the anchors.
  AnchorTargets assign_targets(
      const RpnHeadOutput& output,
      const ImageList& images,
      const std::vector<Target>& targets) const;

  RpnLosses compute_losses(
      const RpnHeadOutput& output, AnchorTargets& targets, Generators& generators) const;

  std::shared_ptr<RpnHead> head;

 private:
  // Labels and boxes for the anchors of one image.
  std::pair<at::Tensor, at::Tensor> match(
      const at::Tensor& anchors, const at::Tensor& gt_boxes) const;
  Proposals filter_proposals(
      const at::Tensor& boxes,   // [T,4] of one image
      const at::Tensor& scores,  // [T]
      const at::Tensor& levels,  // [T] i64
      ImageSize size,
      const ProposalOptions& limits) const;

  RpnOptions options_;
  AnchorGenerator anchor_generator_;
  BoxCoder box_coder_{{1, 1, 1, 1}};
  Matcher matcher_;
  BalancedSampler sampler_;
};

}  // namespace maskrcnn
