#include "model/mask_rcnn.h"

#include "boxes/boxes.h"
#include "device/precision.h"
#include "device/transfers.h"
#include "ops/roi_align.h"

namespace maskrcnn {

namespace {

// Of a batch of no image: enough for every stride.
constexpr int64_t kSide = 64;

ImageSize size_of(const at::Tensor& image /*[H,W,3]*/) {
  return {image.size(0), image.size(1)};
}

// Copies the detections of all images to the CPU with one wait.
void read_back(std::vector<Detections>& detections) {
  std::vector<at::Tensor*> tensors;
  for (auto& [boxes, labels, scores, masks] : detections) {
    for (auto* const tensor : {&boxes, &labels, &scores, &masks})
      if (tensor->defined()) tensors.push_back(tensor);
  }
  std::vector<at::Tensor> values;
  for (const auto* const tensor : tensors) values.push_back(*tensor);
  ReadBack copies(values);
  for (size_t i = 0; i < tensors.size(); ++i) *tensors[i] = copies.wait()[i];
}

}  // namespace

MaskRCNN::MaskRCNN(const MaskRCNNOptions& options)
    : options_(options), transform_(options.transform) {
  backbone_ = add("backbone", std::make_shared<Backbone>(options.backbone));
  const auto channels = backbone_->out_channels;
  rpn_ = add("rpn", std::make_shared<RegionProposalNetwork>(channels, options.rpn));
  roi_heads_ = add(
      "roi_heads", std::make_shared<RoIHeads>(channels, backbone_->strides(), options.roi_heads));
}

MaskRCNNLosses MaskRCNN::compute_losses(
    const std::vector<at::Tensor>& images, std::vector<Target> targets, Generators& generators) {
  const auto inputs = transform_.forward(images, targets, device(), generators);
  const PrecisionScope scope(options_.arithmetic, device());
  const auto [features, rpn_output] = compute_maps(inputs.tensors);
  // Queues the work that needs no value from the device before the work that waits for one.
  auto anchors = rpn_->assign_targets(rpn_output, inputs, targets);
  auto proposals = roi_heads_->match(
      boxes_of(rpn_->propose(rpn_output, inputs, options_.rpn.training)), targets);
  const auto rpn_losses = rpn_->compute_losses(rpn_output, anchors, generators);
  const auto roi_losses = roi_heads_->compute_losses(features, proposals, targets, generators);
  return {
      roi_losses.classifier,
      roi_losses.box_reg,
      roi_losses.mask,
      rpn_losses.objectness,
      rpn_losses.box_reg,
      {roi_losses.sampled, roi_losses.masked, rpn_losses.sampled}};
}

at::Tensor MaskRCNN::pass_no_image() {
  const PrecisionScope scope(options_.arithmetic, device());
  const auto features = backbone_->forward(
      at::empty({0, 3, kSide, kSide}, at::TensorOptions(device()), at::MemoryFormat::ChannelsLast));
  auto sum = roi_heads_->pass_no_roi(features.front());
  for (const auto& map : features) sum = sum + map.sum(at::kFloat);
  return sum;
}

void MaskRCNN::require_mask_head(bool wanted) const {
  TORCH_CHECK(!wanted || roi_heads_->has_masks(), "a network without a mask head makes no masks");
}

MaskRCNN::Maps MaskRCNN::compute_maps(const at::Tensor& images) {
  const auto features = backbone_->forward(images);
  return {ops::to_pool_from(features), rpn_->forward_head(features)};
}

MaskRCNN::Maps MaskRCNN::detection_maps(const at::Tensor& images) {
  if (!options_.graphs) return compute_maps(images);
  if (weights_.empty()) {
    weights_ = parameters();
    for (const auto& buffer : buffers()) weights_.push_back(buffer);
  }
  const auto maps = captured_maps_.run(images, weights_, [this](const at::Tensor& input) {
    const auto [features, rpn] = compute_maps(input);
    auto all = features;
    all.insert(all.end(), rpn.objectness.begin(), rpn.objectness.end());
    all.insert(all.end(), rpn.bbox_pred.begin(), rpn.bbox_pred.end());
    return all;
  });
  const auto levels = static_cast<int64_t>(maps.size()) / 3;
  const auto part = [&](int64_t index) {
    return std::vector<at::Tensor>(
        maps.begin() + index * levels, maps.begin() + (index + 1) * levels);
  };
  return {part(0), {part(1), part(2)}};
}

std::vector<Detections> MaskRCNN::detect(
    const std::vector<at::Tensor>& images,
    const DetectionOptions& options,
    bool with_masks,
    StageCosts* costs) {
  require_mask_head(with_masks);
  const auto lap = [costs](const char* stage) {
    if (costs != nullptr) costs->lap(stage);
  };
  const auto inputs = transform_.forward(images, device());
  lap("transform");
  const PrecisionScope scope(options_.arithmetic, device());
  Maps maps;
  if (costs == nullptr) {
    maps = detection_maps(inputs.tensors);
  } else {
    maps.features = backbone_->forward_body(inputs.tensors);
    lap("body");
    maps.features = backbone_->forward_fpn(maps.features);
    lap("fpn");
    maps.rpn = rpn_->forward_head(maps.features);
    lap("rpn head");
  }
  const auto& features = maps.features;
  const auto proposals = boxes_of(rpn_->propose(maps.rpn, inputs, options_.rpn.testing));
  lap("proposals");
  const auto predictions = roi_heads_->predict_boxes(features, proposals);
  lap("box head");
  auto detections = roi_heads_->select_detections(
      roi_heads_->candidates(predictions, proposals), inputs.sizes, options);
  lap("selection");
  if (with_masks) {
    std::vector<at::Tensor> boxes, labels;
    for (const auto& image : detections) {
      boxes.push_back(image.boxes);
      labels.push_back(image.labels);
    }
    const auto masks = roi_heads_->mask_probabilities(features, boxes, labels);
    for (size_t image = 0; image < images.size(); ++image) detections[image].masks = masks[image];
  }
  lap("mask head");
  read_back(detections);
  for (size_t image = 0; image < images.size(); ++image) {
    auto& boxes = detections[image].boxes;
    boxes = resize_boxes(boxes, inputs.sizes[image], size_of(images[image]));
  }
  return detections;
}

Detections MaskRCNN::detect_in_views(
    const at::Tensor& image,
    const std::vector<View>& views,
    const DetectionOptions& options,
    bool with_masks) {
  require_mask_head(with_masks);
  std::vector<at::Tensor> mirrored;
  for (const auto& view : views) mirrored.push_back(view.of_image(image));
  const auto inputs = transform_.forward(mirrored, device());
  const auto size = inputs.sizes.front();
  const auto in_each_view = [&](const at::Tensor& boxes) {
    std::vector<at::Tensor> result;
    for (const auto& view : views) result.push_back(view.of_boxes(boxes, size));
    return result;
  };

  const PrecisionScope scope(options_.arithmetic, device());
  const auto [features, rpn_output] = detection_maps(inputs.tensors);
  const auto& limits = options_.rpn.testing;
  auto proposals = rpn_->propose(rpn_output, inputs, limits);
  for (size_t v = 0; v < views.size(); ++v)
    proposals[v].boxes = views[v].of_boxes(proposals[v].boxes, size);

  // Every view scores the proposals of all views.
  const auto shared = in_each_view(rpn_->merge(proposals, limits).boxes);
  const auto judged = roi_heads_->candidates(roi_heads_->predict_boxes(features, shared), shared);
  std::vector<at::Tensor> boxes, scores;
  for (size_t v = 0; v < views.size(); ++v) {
    boxes.push_back(views[v].of_boxes(judged[v].boxes, size));
    scores.push_back(judged[v].scores);
  }
  const Candidates mean{at::stack(boxes).mean(0), at::stack(scores).mean(0)};
  auto detections = roi_heads_->select_detections({mean}, {size}, options);
  auto& [found, labels, found_scores, found_masks] = detections.front();
  if (with_masks) {
    auto masks = roi_heads_->mask_probabilities(
        features, in_each_view(found), std::vector<at::Tensor>(views.size(), labels));
    for (size_t v = 0; v < views.size(); ++v) masks[v] = views[v].of_masks(masks[v]);
    found_masks = at::stack(masks).mean(0);
  }
  read_back(detections);
  found = resize_boxes(found, size, size_of(image));
  return detections.front();
}

std::vector<std::pair<std::string, at::Tensor>> MaskRCNN::trace(
    const std::vector<at::Tensor>& images) {
  std::vector<std::pair<std::string, at::Tensor>> stages;
  const auto record = [&](const std::string& prefix, const std::vector<at::Tensor>& values) {
    for (size_t i = 0; i < values.size(); ++i)
      stages.emplace_back(prefix + std::to_string(i), values[i]);
  };

  const auto inputs = transform_.forward(images, device());
  const PrecisionScope scope(options_.arithmetic, device());
  stages.emplace_back("transform.images", inputs.tensors);
  const auto body = backbone_->forward_body(inputs.tensors);
  record("body.", body);
  auto features = backbone_->forward_fpn(body);
  record("fpn.", {features.begin(), features.end() - 1});
  stages.emplace_back("fpn.pool", features.back());
  const auto rpn_output = rpn_->forward_head(features);
  record("rpn.objectness.", rpn_output.objectness);
  record("rpn.bbox_pred.", rpn_output.bbox_pred);
  const auto proposals = boxes_of(rpn_->propose(rpn_output, inputs, options_.rpn.testing));
  record("proposals.", proposals);
  const auto predictions = roi_heads_->predict_boxes(features, proposals);
  stages.emplace_back("box_features", predictions.features);
  stages.emplace_back("class_logits", predictions.class_logits);
  stages.emplace_back("box_regression", predictions.box_regression);
  if (!roi_heads_->has_masks()) return stages;

  std::vector<at::Tensor> boxes;
  for (const auto& image : roi_heads_->select_detections(
           roi_heads_->candidates(predictions, proposals), inputs.sizes, detection_options())) {
    boxes.push_back(image.boxes);
  }
  stages.emplace_back("mask_logits", roi_heads_->predict_masks(features, boxes));
  return stages;
}

}  // namespace maskrcnn
