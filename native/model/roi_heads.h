#pragma once

#include <memory>
#include <vector>

#include "boxes/box_coder.h"
#include "boxes/matcher.h"
#include "boxes/sampler.h"
#include "device/transfers.h"
#include "model/box_head.h"
#include "model/mask_head.h"
#include "model/options.h"
#include "model/poolers.h"
#include "model/targets.h"

namespace maskrcnn {

// Letters: R rois over all images, R_n rois of image n, F features of a roi, D detections of an
// image, K classes including the background, M side of a mask.

struct BoxPredictions {
  at::Tensor features;        // [R,F]
  at::Tensor class_logits;    // [R,K]
  at::Tensor box_regression;  // [R,4K]
};

// The possible detections of an image: each proposal with each class.
struct Candidates {
  at::Tensor boxes;   // [R_n,K,4]
  at::Tensor scores;  // [R_n,K]: softmax over the classes
};

// The boxes of an image, each with the instance that it is matched to.
struct Matched {
  at::Tensor boxes;      // [R_n,4]
  at::Tensor instances;  // [R_n] i64
  at::Tensor labels;     // [R_n] i64; 0: background
};

struct MatchedProposals {
  std::vector<Matched> images;
  BalancedSampler::Pool pool;
};

struct RoiLosses {
  at::Tensor classifier;  // scalars
  at::Tensor box_reg;
  at::Tensor mask;  // 0 without a mask head, or without an object that has a mask
  int64_t sampled;  // number of boxes that the first two are means over
  int64_t masked;   // number of masks that the third is a mean over
};

// Predicts the class, the exact box and the mask of each proposal (Mask R-CNN, section 3;
// torchvision detection/roi_heads.py). Without the mask head it is that of Faster R-CNN.
struct RoIHeads : Module {
  // strides: see Backbone::strides()
  RoIHeads(int64_t channels, const std::vector<int64_t>& strides, const RoiHeadsOptions& options);

  BoxPredictions predict_boxes(
      const std::vector<at::Tensor>& features, const std::vector<at::Tensor>& proposals);

  std::vector<Candidates> candidates(
      const BoxPredictions& predictions, const std::vector<at::Tensor>& proposals) const;

  // Returns boxes in pixels of the network's input, without masks.
  std::vector<Detections> select_detections(
      const std::vector<Candidates>& candidates,
      const std::vector<ImageSize>& sizes,
      const DetectionOptions& options) const;

  // -> [R,K,M,M]
  at::Tensor predict_masks(
      const std::vector<at::Tensor>& features, const std::vector<at::Tensor>& boxes);

  // Only for the class of each roi: [R,5], [R] -> [R,M,M]
  at::Tensor predict_masks_of_class(
      const std::vector<at::Tensor>& features, const at::Tensor& rois, const at::Tensor& labels);

  // Mask probabilities for the class of each box -> per image [D,M,M]
  std::vector<at::Tensor> mask_probabilities(
      const std::vector<at::Tensor>& features,
      const std::vector<at::Tensor>& boxes,
      const std::vector<at::Tensor>& labels);

  MatchedProposals match(
      const std::vector<at::Tensor>& proposals, const std::vector<Target>& targets) const;

  RoiLosses compute_losses(
      const std::vector<at::Tensor>& features,
      MatchedProposals& proposals,
      const std::vector<Target>& targets,
      Generators& generators);

  // The norms of the heads take part with maps of no roi: see MaskRCNN::pass_no_image(). `map` is
  // of no image.
  at::Tensor pass_no_roi(const at::Tensor& map);

  const RoiHeadsOptions& options() const { return options_; }

  bool has_masks() const { return mask_head_ != nullptr; }

 private:
  Matched match_image(const at::Tensor& proposals, const Target& target) const;

  // The sampled boxes of an image that are used for training.
  struct TrainingSample {
    Matched all, positive;
    at::Tensor places;  // positions of the positive boxes in `all`
  };
  std::vector<TrainingSample> sample(MatchedProposals& proposals, Generators& generators) const;
  at::Tensor compute_mask_loss(
      const std::vector<at::Tensor>& features,
      const std::vector<Matched>& boxes,  // those whose instance has a mask
      ReadBack& places,                   // boxes and instances per image
      const std::vector<Target>& targets);

  RoiHeadsOptions options_;
  MultiScaleRoIAlign box_roi_pool_;
  MultiScaleRoIAlign mask_roi_pool_;
  BoxCoder box_coder_;
  Matcher matcher_;
  BalancedSampler sampler_;
  std::shared_ptr<Layer> box_head_;
  std::shared_ptr<FastRcnnPredictor> box_predictor_;
  std::shared_ptr<MaskRcnnHeads> mask_head_;
  std::shared_ptr<MaskRcnnPredictor> mask_predictor_;
};

}  // namespace maskrcnn
