#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "device/captured_forward.h"
#include "model/backbone.h"
#include "model/options.h"
#include "model/roi_heads.h"
#include "model/rpn.h"
#include "model/stage_costs.h"
#include "model/targets.h"
#include "model/transform.h"
#include "model/views.h"

namespace maskrcnn {

struct MaskRCNNLosses {
  at::Tensor classifier;  // scalars, in torchvision's order
  at::Tensor box_reg;
  at::Tensor mask;  // 0 without a mask head
  at::Tensor objectness;
  at::Tensor rpn_box_reg;

  // The numbers of samples that the losses are means over: boxes of the RoI heads for `classifier`
  // and `box_reg`, masks for `mask`, anchors for the others.
  struct Counts {
    int64_t boxes, masks, anchors;
  } counts;

  at::Tensor total() const { return classifier + box_reg + mask + objectness + rpn_box_reg; }
  at::Tensor values() const {  // [5], without gradients
    return at::stack({classifier, box_reg, mask, objectness, rpn_box_reg}).detach();
  }
};

// Mask R-CNN with a feature pyramid; without its mask head, Faster R-CNN. Names are those of
// torchvision's state dict (detection/mask_rcnn.py, detection/generalized_rcnn.py).
struct MaskRCNN : Module {
  explicit MaskRCNN(const MaskRCNNOptions& options);

  // Whether training steps compute the maps of the body again in the backward pass, except a few,
  // instead of keeping them. Losses are the same; gradients may differ in their last digits.
  void set_activation_checkpointing(bool enabled) {
    backbone_->body->checkpoints_activations = enabled;
  }

  // images: [H,W,3] u8 each. Draws sizes and samples from the generators, one per image. Call in
  // training mode.
  MaskRCNNLosses compute_losses(
      const std::vector<at::Tensor>& images, std::vector<Target> targets, Generators& generators);

  // What a process computes that has no image of a batch, where batch norms normalize over all
  // processes: each norm takes part with maps of no image, forward and backward. The result is a 0
  // that has gradients. Call in training mode.
  at::Tensor pass_no_image();

  // The results are on the CPU, with boxes in pixels of the original images. `costs` records the
  // stages. Call in evaluation mode.
  std::vector<Detections> detect(
      const std::vector<at::Tensor>& images,
      const DetectionOptions& options,
      bool with_masks,
      StageCosts* costs = nullptr);

  // The same with test-time augmentation: every view scores the proposals of all views, and the
  // class probabilities, boxes and masks are means over the views.
  Detections detect_in_views(
      const at::Tensor& image,
      const std::vector<View>& views,
      const DetectionOptions& options,
      bool with_masks);

  // The stages of detection by name, for the parity tests: transform.images, body.L, fpn.L,
  // fpn.pool, rpn.objectness.L, rpn.bbox_pred.L, proposals.N, box_features, class_logits,
  // box_regression and, with a mask head, mask_logits.
  std::vector<std::pair<std::string, at::Tensor>> trace(const std::vector<at::Tensor>& images);

  // The number of captured graphs for detection.
  int64_t graphs() const { return captured_maps_.count(); }

  const DetectionOptions& detection_options() const { return roi_heads_->options().detection; }
  Precision precision() const { return options_.arithmetic.precision; }
  at::Device device() { return parameters().front().device(); }

 private:
  void require_mask_head(bool wanted) const;

  struct Maps {
    std::vector<at::Tensor> features;  // of the pyramid, per level, to pool from
    RpnHeadOutput rpn;
  };
  // Runs the network up to and including the RPN head.
  Maps compute_maps(const at::Tensor& images);
  // The same, as a captured graph if the options ask for graphs.
  Maps detection_maps(const at::Tensor& images);

  MaskRCNNOptions options_;
  Transform transform_;
  std::shared_ptr<Backbone> backbone_;
  std::shared_ptr<RegionProposalNetwork> rpn_;
  std::shared_ptr<RoIHeads> roi_heads_;
  CapturedForward captured_maps_;
  std::vector<at::Tensor> weights_;  // all parameters and buffers; collecting them is slow
};

}  // namespace maskrcnn
