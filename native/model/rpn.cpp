#include "model/rpn.h"

#include <algorithm>

#include "model/boxes.h"
#include "ops/nms.h"

namespace maskrcnn {

namespace {

constexpr double kMinProposalSide = 1e-3;  // pixels (torchvision detection/rpn.py)
constexpr double kSmoothL1Beta = 1.0 / 9;  // likewise

// [N,A·C,H,W] -> [N, H·W·A, C]: the order of the anchors.
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

RpnHeadImpl::RpnHeadImpl(int64_t channels, int64_t num_anchors, int64_t conv_depth) {
  conv = register_module("conv", torch::nn::ModuleList());
  for (int64_t i = 0; i < conv_depth; ++i) {
    conv->push_back(ConvNormActivation(
        ConvNormActivationOptions{.in = channels, .out = channels, .kernel = 3}));
  }
  cls_logits = register_module(
      "cls_logits", torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, num_anchors, 1)));
  bbox_pred = register_module(
      "bbox_pred", torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, num_anchors * 4, 1)));
  for (const auto& module : modules(/*include_self=*/false)) {
    if (auto* layer = module->as<torch::nn::Conv2dImpl>()) {
      torch::nn::init::normal_(layer->weight, /*mean=*/0, /*std=*/0.01);
      torch::nn::init::zeros_(layer->bias);
    }
  }
}

RpnHeadOutput RpnHeadImpl::forward(const std::vector<at::Tensor>& features) {
  RpnHeadOutput output;
  for (const auto& feature : features) {
    auto x = feature;
    for (const auto& block : *conv) x = block->as<ConvNormActivationImpl>()->forward(x);
    output.objectness.push_back(cls_logits->forward(x).to(at::kFloat));
    output.bbox_pred.push_back(bbox_pred->forward(x).to(at::kFloat));
  }
  return output;
}

RegionProposalNetworkImpl::RegionProposalNetworkImpl(int64_t channels, const RpnOptions& options)
    : options_(options),
      anchor_generator_(options.anchors),
      matcher_(
          options.sampling.fg_iou_thresh,
          options.sampling.bg_iou_thresh,
          /*allow_low_quality=*/true),
      sampler_(options.sampling) {
  head = register_module(
      "head", RpnHead(channels, anchor_generator_.num_anchors_per_location(), options.conv_depth));
}

std::vector<Proposals> RegionProposalNetworkImpl::propose(
    const RpnHeadOutput& output, const ImageList& images, const ProposalOptions& limits) const {
  const at::NoGradGuard no_grad;
  const auto anchors = anchor_generator_.generate(output.objectness, images.padded());
  std::vector<Proposals> proposals;
  for (size_t image = 0; image < images.sizes.size(); ++image) {
    const auto index = static_cast<int64_t>(image);
    std::vector<at::Tensor> boxes, objectness;
    for (size_t level = 0; level < anchors.size(); ++level) {
      const auto logits =
          by_anchor(output.objectness[level].narrow(0, index, 1), 1).flatten();  // [S_l]
      const auto offsets =
          by_anchor(output.bbox_pred[level].narrow(0, index, 1), 4).squeeze(0);  // [S_l,4]
      const auto count = std::min(limits.pre_nms_top_n, logits.size(0));
      const auto [best, order] = logits.topk(count);
      objectness.push_back(best);
      boxes.push_back(
          box_coder_.decode(offsets.index_select(0, order), anchors[level].index_select(0, order))
              .squeeze(1));  // [count,4]
    }
    proposals.push_back(filter_proposals(boxes, objectness, images.sizes[image], limits));
  }
  return proposals;
}

Proposals RegionProposalNetworkImpl::filter_proposals(
    const std::vector<at::Tensor>& boxes_by_level,
    const std::vector<at::Tensor>& objectness_by_level,
    ImageSize size,
    const ProposalOptions& limits) const {
  std::vector<at::Tensor> level_of;
  for (size_t level = 0; level < boxes_by_level.size(); ++level) {
    level_of.push_back(at::full(
        {boxes_by_level[level].size(0)},
        static_cast<int64_t>(level),
        boxes_by_level[level].options().dtype(at::kLong)));
  }
  auto boxes = clip_boxes_to_image(at::cat(boxes_by_level), size);
  auto scores = at::cat(objectness_by_level).sigmoid();
  auto levels = at::cat(level_of);

  const auto keep_only = [&](const at::Tensor& kept) {
    boxes = boxes.index_select(0, kept);
    scores = scores.index_select(0, kept);
    levels = levels.index_select(0, kept);
  };
  keep_only(large_boxes(boxes, kMinProposalSide));
  keep_only((scores >= options_.score_thresh).nonzero().squeeze(1));
  const auto kept = ops::batched_nms(boxes, scores, levels, options_.nms_thresh)
                        .slice(0, 0, limits.post_nms_top_n);
  return {boxes.index_select(0, kept), scores.index_select(0, kept)};
}

Proposals RegionProposalNetworkImpl::merge(
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

std::pair<at::Tensor, at::Tensor> RegionProposalNetworkImpl::assign_targets(
    const at::Tensor& anchors, const at::Tensor& gt_boxes) const {
  if (gt_boxes.size(0) == 0) {
    return {at::zeros({anchors.size(0)}, anchors.options()), at::zeros_like(anchors)};
  }
  const auto matches = matcher_.match(box_iou(gt_boxes, anchors));  // [S]
  const auto labels = (matches >= 0).to(at::kFloat).masked_fill_(matches == Matcher::kIgnored, -1);
  return {labels, gt_boxes.index_select(0, matches.clamp_min(0))};
}

RpnLosses RegionProposalNetworkImpl::compute_losses(
    const RpnHeadOutput& output,
    const ImageList& images,
    const std::vector<Target>& targets,
    at::Generator& generator) const {
  const auto anchors =
      at::cat(anchor_generator_.generate(output.objectness, images.padded()));  // [S,4]
  std::vector<at::Tensor> levels_objectness, levels_offsets;
  for (size_t level = 0; level < output.objectness.size(); ++level) {
    levels_objectness.push_back(by_anchor(output.objectness[level], 1));
    levels_offsets.push_back(by_anchor(output.bbox_pred[level], 4));
  }
  const auto objectness = at::cat(levels_objectness, /*dim=*/1).flatten();   // [N·S]
  const auto offsets = at::cat(levels_offsets, /*dim=*/1).reshape({-1, 4});  // [N·S,4]

  std::vector<at::Tensor> positive, negative, labels, wanted_offsets;
  for (size_t image = 0; image < targets.size(); ++image) {
    const auto [image_labels, image_boxes] = assign_targets(anchors, targets[image].boxes);
    const auto sample = sampler_.sample(image_labels, generator);
    const auto first = static_cast<int64_t>(image) * anchors.size(0);
    positive.push_back(sample.positive + first);
    negative.push_back(sample.negative + first);
    labels.push_back(image_labels);
    wanted_offsets.push_back(box_coder_.encode(
        image_boxes.index_select(0, sample.positive), anchors.index_select(0, sample.positive)));
  }
  const auto positives = at::cat(positive);
  const auto sampled = at::cat({positives, at::cat(negative)});

  const auto box_reg = at::smooth_l1_loss(
                           offsets.index_select(0, positives),
                           at::cat(wanted_offsets),
                           at::Reduction::Sum,
                           kSmoothL1Beta) /
                       sampled.numel();
  const auto objectness_loss = at::binary_cross_entropy_with_logits(
      objectness.index_select(0, sampled), at::cat(labels).index_select(0, sampled));
  return {objectness_loss, box_reg};
}

}  // namespace maskrcnn
