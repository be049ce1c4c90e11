#include "model/rpn.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "boxes/boxes.h"
#include "layers/conv_norm_activation.h"
#include "layers/initial_values.h"
#include "ops/nms.h"

namespace maskrcnn {

namespace {

constexpr double kMinProposalSide = 1e-3;  // pixels (torchvision detection/rpn.py)

// [N,A·C,H,W] -> [N, H·W·A, C]: same order as the anchors.
at::Tensor by_anchor(const at::Tensor& prediction, int64_t columns) {
  const auto n = prediction.size(0), rows = prediction.size(2), width = prediction.size(3);
  return prediction.view({n, -1, columns, rows, width})
      .permute({0, 3, 4, 1, 2})
      .reshape({n, -1, columns});
}

}  // namespace

std::vector<at::Tensor> boxes_of(const std::vector<Proposals>& proposals) {
  std::vector<at::Tensor> boxes;
  for (const auto& image : proposals) boxes.push_back(image.boxes);
  return boxes;
}

RpnHead::RpnHead(int64_t channels, int64_t num_anchors, int64_t conv_depth) {
  const auto layer = [channels](int64_t out) {
    return std::make_shared<Conv2d>(Conv2dOptions{.in = channels, .out = out, .kernel = 1});
  };
  conv = add("conv", std::make_shared<Sequential>());
  for (int64_t i = 0; i < conv_depth; ++i) {
    conv->push_back(std::make_shared<ConvNormActivation>(
        ConvNormActivationOptions{.in = channels, .out = channels, .kernel = 3}));
  }
  cls_logits = add("cls_logits", layer(num_anchors));
  bbox_pred = add("bbox_pred", layer(num_anchors * 4));
  for_each([](const Module& part) {
    if (const auto* each = dynamic_cast<const Conv2d*>(&part)) {
      draw_normal(each->weight, /*deviation=*/0.01);
      fill_zeros(each->bias);
    }
  });
}

RpnHeadOutput RpnHead::forward(const std::vector<at::Tensor>& features) {
  RpnHeadOutput output;
  for (const auto& feature : features) {
    const auto [objectness, bbox_pred] = predict(conv->forward(feature));
    output.objectness.push_back(objectness.to(at::kFloat));
    output.bbox_pred.push_back(bbox_pred.to(at::kFloat));
  }
  return output;
}

std::pair<at::Tensor, at::Tensor> RpnHead::predict(const at::Tensor& x) const {
  if (!x.is_cpu()) return {cls_logits->forward(x), bbox_pred->forward(x)};
  // The input is large and the outputs are few, so it is read once for both.
  const auto both = at::conv2d(
      x,
      at::cat({cls_logits->weight, bbox_pred->weight}),
      at::cat({cls_logits->bias, bbox_pred->bias}));
  const auto anchors = cls_logits->weight.size(0);
  return {both.narrow(1, 0, anchors), both.narrow(1, anchors, both.size(1) - anchors)};
}

RegionProposalNetwork::RegionProposalNetwork(int64_t channels, const RpnOptions& options)
    : options_(options),
      anchor_generator_(options.anchors),
      matcher_(
          {options.sampling.fg_iou_thresh,
           options.sampling.bg_iou_thresh,
           /*allow_low_quality=*/true}),
      sampler_(options.sampling) {
  head =
      add("head",
          std::make_shared<RpnHead>(
              channels, anchor_generator_.num_anchors_per_location(), options.conv_depth));
}

std::vector<Proposals> RegionProposalNetwork::propose(
    const RpnHeadOutput& output, const ImageList& images, const ProposalOptions& limits) const {
  const at::NoGradGuard no_grad;
  const auto& anchors = anchor_generator_.generate(output.objectness, images.padded());
  const auto count = static_cast<int64_t>(images.sizes.size());
  std::vector<at::Tensor> logits, offsets, references, levels;
  for (size_t level = 0; level < anchors.size(); ++level) {
    const auto all = by_anchor(output.objectness[level], 1).squeeze(2);  // [N,S_l]
    const auto top = std::min(limits.pre_nms_top_n, all.size(1));
    const auto [best, order] = all.topk(top);  // [N,T_l]
    const auto rows = order.unsqueeze(2).expand({-1, -1, 4});
    logits.push_back(best);
    offsets.push_back(by_anchor(output.bbox_pred[level], 4).gather(1, rows));  // [N,T_l,4]
    references.push_back(anchors[level].expand({count, -1, -1}).gather(1, rows));
    levels.push_back(at::full({top}, static_cast<int64_t>(level), order.options()));
  }
  const auto rows = [](const std::vector<at::Tensor>& by_level) {
    return at::cat(by_level, /*dim=*/1).view({-1, 4});  // [N·T,4]
  };
  const auto boxes =
      box_coder_.decode(rows(offsets), rows(references)).view({count, -1, 4});  // [N,T,4]
  const auto scores = at::cat(logits, /*dim=*/1).sigmoid();                     // [N,T]
  const auto level_of = at::cat(levels);                                        // [T]
  std::vector<Proposals> proposals;
  for (int64_t image = 0; image < count; ++image) {
    proposals.push_back(filter_proposals(
        boxes[image], scores[image], level_of, images.sizes[static_cast<size_t>(image)], limits));
  }
  return proposals;
}

Proposals RegionProposalNetwork::filter_proposals(
    const at::Tensor& all_boxes,
    const at::Tensor& all_scores,
    const at::Tensor& levels,
    ImageSize size,
    const ProposalOptions& limits) const {
  const auto clipped = clip_boxes_to_image(all_boxes, size);
  const auto wanted = are_large(clipped, kMinProposalSide) & (all_scores >= options_.score_thresh);
  const auto places = wanted.nonzero().squeeze(1);
  const auto boxes = clipped.index_select(0, places), scores = all_scores.index_select(0, places);
  const auto kept =
      ops::batched_nms(boxes, scores, levels.index_select(0, places), options_.nms_thresh)
          .slice(0, 0, limits.post_nms_top_n);
  return {boxes.index_select(0, kept), scores.index_select(0, kept)};
}

Proposals RegionProposalNetwork::merge(
    const std::vector<Proposals>& lists, const ProposalOptions& limits) const {
  std::vector<at::Tensor> all_boxes, all_scores;
  for (const auto& list : lists) {
    all_boxes.push_back(list.boxes);
    all_scores.push_back(list.scores);
  }
  const auto boxes = at::cat(all_boxes), scores = at::cat(all_scores);
  const auto kept = ops::nms(boxes, scores, options_.nms_thresh).slice(0, 0, limits.post_nms_top_n);
  return {boxes.index_select(0, kept), scores.index_select(0, kept)};
}

std::pair<at::Tensor, at::Tensor> RegionProposalNetwork::match(
    const at::Tensor& anchors, const at::Tensor& gt_boxes) const {
  if (gt_boxes.size(0) == 0) {
    return {at::zeros({anchors.size(0)}, anchors.options()), at::zeros_like(anchors)};
  }
  const auto matches = matcher_.match(gt_boxes, anchors);  // [S]
  const auto labels = (matches >= 0).to(at::kFloat).masked_fill_(matches == Matcher::kIgnored, -1);
  return {labels, gt_boxes.index_select(0, matches.clamp_min(0))};
}

AnchorTargets RegionProposalNetwork::assign_targets(
    const RpnHeadOutput& output,
    const ImageList& images,
    const std::vector<Target>& targets) const {
  const auto anchors = at::cat(anchor_generator_.generate(output.objectness, images.padded()));
  std::vector<at::Tensor> labels, boxes;
  for (const auto& target : targets) {
    const auto [image_labels, image_boxes] = match(anchors, target.boxes);
    labels.push_back(image_labels);
    boxes.push_back(image_boxes);
  }
  return {anchors, labels, boxes, BalancedSampler::pool(labels)};
}

RpnLosses RegionProposalNetwork::compute_losses(
    const RpnHeadOutput& output, AnchorTargets& targets, Generators& generators) const {
  std::vector<at::Tensor> levels_objectness, levels_offsets;
  for (size_t level = 0; level < output.objectness.size(); ++level) {
    levels_objectness.push_back(by_anchor(output.objectness[level], 1));
    levels_offsets.push_back(by_anchor(output.bbox_pred[level], 4));
  }
  const auto objectness = at::cat(levels_objectness, /*dim=*/1).flatten();   // [N·S]
  const auto offsets = at::cat(levels_offsets, /*dim=*/1).reshape({-1, 4});  // [N·S,4]

  const auto& anchors = targets.anchors;
  const auto samples = sampler_.draw(targets.pool, generators);
  std::vector<at::Tensor> positive, negative, wanted_boxes, references;
  for (size_t image = 0; image < samples.size(); ++image) {
    const auto& sample = samples[image];
    const auto first = static_cast<int64_t>(image) * anchors.size(0);
    positive.push_back(sample.positive + first);
    negative.push_back(sample.negative + first);
    wanted_boxes.push_back(targets.boxes[image].index_select(0, sample.positive));
    references.push_back(anchors.index_select(0, sample.positive));
  }
  const auto positives = at::cat(positive);
  const auto sampled = at::cat({positives, at::cat(negative)});
  if (sampled.size(0) == 0) {  // every anchor is ignored: the mean of no elements would be NaN
    return {objectness.sum() * 0, offsets.sum() * 0, 0};
  }

  const auto box_reg = box_coder_.loss(
      offsets.index_select(0, positives),
      at::cat(wanted_boxes),
      at::cat(references),
      sampled.numel());
  const auto objectness_loss = at::binary_cross_entropy_with_logits(
      objectness.index_select(0, sampled), at::cat(targets.labels).index_select(0, sampled));
  return {objectness_loss, box_reg, sampled.numel()};
}

}  // namespace maskrcnn
