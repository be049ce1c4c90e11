#include "model/roi_heads.h"

#include <utility>

#include "boxes/boxes.h"
#include "convolution/convolution.h"
#include "device/precision.h"
#include "ops/differentiable.h"
#include "ops/nms.h"

namespace maskrcnn {

namespace {

constexpr double kMinDetectionSide = 1e-2;  // pixels (torchvision detection/roi_heads.py)

// The most boxes that the heads work on at once in detection, on a CPU and elsewhere, so that
// thousands of detections need no more memory. An image with the default limits takes one block.
struct AtOnce {
  int64_t cpu, others;
  int64_t on(at::Device device) const { return device.is_cpu() ? cpu : others; }
};
constexpr AtOnce kBoxes{1000, 8000}, kMasks{128, 1024};
// In training on a CPU, the mask loss of so many boxes is computed and differentiated at once; of
// twice as many where a number of their maps takes half the memory.
constexpr int64_t kMasksInTraining = 64;

std::vector<int64_t> counts(const std::vector<at::Tensor>& boxes) {
  std::vector<int64_t> result;
  for (const auto& image : boxes) result.push_back(image.size(0));
  return result;
}

// The entry of class classes[r] in each row r: [R,K,...] -> [R,...]
at::Tensor of_class(const at::Tensor& values, const at::Tensor& classes) {
  const auto rows = at::arange(classes.size(0), classes.options());
  return values.index({rows, classes});
}

// The boxes whose instance has a mask.
Matched with_masks(const Matched& boxes, const ops::CroppedMasks& masks) {
  const auto has_mask = masks.rects.select(1, 2) > 0;  // [G]
  if (has_mask.all().item<bool>()) return boxes;       // on the CPU, so nothing waits
  const auto kept = upload(has_mask, boxes.instances.device())
                        .index_select(0, boxes.instances)
                        .nonzero()
                        .squeeze(1);
  return {
      boxes.boxes.index_select(0, kept),
      boxes.instances.index_select(0, kept),
      boxes.labels.index_select(0, kept)};
}

}  // namespace

RoIHeads::RoIHeads(
    int64_t channels, const std::vector<int64_t>& strides, const RoiHeadsOptions& options)
    : options_(options),
      // Channels-last if a convolution follows; contiguous if the result is flattened, which then
      // needs no copy.
      box_roi_pool_(
          options.box_roi_pool,
          strides,
          options.convolutional_heads ? at::MemoryFormat::ChannelsLast
                                      : at::MemoryFormat::Contiguous),
      mask_roi_pool_(options.mask_roi_pool, strides, at::MemoryFormat::ChannelsLast),
      box_coder_(options.bbox_reg_weights),
      matcher_(
          {options.sampling.fg_iou_thresh,
           options.sampling.bg_iou_thresh,
           /*allow_low_quality=*/false}),
      sampler_(options.sampling) {
  const auto side = options.box_roi_pool.output_size;
  if (options.convolutional_heads) {
    box_head_ = std::make_shared<FastRcnnConvFcHead>(channels, side, options.representation_size);
  } else {
    box_head_ = std::make_shared<TwoMlpHead>(channels * side * side, options.representation_size);
  }
  add("box_head", box_head_);
  box_predictor_ =
      add("box_predictor",
          std::make_shared<FastRcnnPredictor>(options.representation_size, options.num_classes));
  if (!options.masks) return;
  mask_head_ =
      add("mask_head",
          std::make_shared<MaskRcnnHeads>(
              channels, options.mask_channels, /*batch_norm=*/options.convolutional_heads));
  mask_predictor_ =
      add("mask_predictor",
          std::make_shared<MaskRcnnPredictor>(options.mask_channels, options.num_classes));
}

BoxPredictions RoIHeads::predict_boxes(
    const std::vector<at::Tensor>& features, const std::vector<at::Tensor>& proposals) {
  const auto rois = to_rois(proposals);
  std::vector<at::Tensor> parts;
  for (const auto& part : rois.split(is_training() ? rois.size(0) : kBoxes.on(rois.device())))
    parts.push_back(box_head_->forward(box_roi_pool_.pool(features, part)).to(at::kFloat));
  const auto vectors = parts.size() == 1 ? parts.front() : at::cat(parts);
  const ExactScope exact;
  const auto [class_logits, box_regression] = box_predictor_->forward(vectors);
  return {vectors, class_logits, box_regression};
}

std::vector<Candidates> RoIHeads::candidates(
    const BoxPredictions& predictions, const std::vector<at::Tensor>& proposals) const {
  const auto per_image = counts(proposals);
  const auto boxes =
      box_coder_.decode(predictions.box_regression, at::cat(proposals)).split_with_sizes(per_image);
  const auto scores = predictions.class_logits.softmax(-1).split_with_sizes(per_image);
  std::vector<Candidates> candidates;
  for (size_t image = 0; image < proposals.size(); ++image)
    candidates.push_back({boxes[image], scores[image]});
  return candidates;
}

std::vector<Detections> RoIHeads::select_detections(
    const std::vector<Candidates>& candidates,
    const std::vector<ImageSize>& sizes,
    const DetectionOptions& options) const {
  std::vector<Detections> detections;
  for (size_t image = 0; image < sizes.size(); ++image) {
    // Each class of each proposal, except the background, is a separate candidate.
    const auto all_scores = candidates[image].scores.slice(1, 1);  // [R_n,K-1]
    const auto all_boxes =
        clip_boxes_to_image(candidates[image].boxes.slice(1, 1), sizes[image]);  // [R_n,K-1,4]
    const auto likely =
        (all_scores > options.score_thresh) & are_large(all_boxes, kMinDetectionSide);
    const auto places = likely.flatten().nonzero().squeeze(1);  // row · (K-1) + class - 1
    auto boxes = all_boxes.reshape({-1, 4}).index_select(0, places);
    auto scores = all_scores.flatten().index_select(0, places);
    auto labels = places.remainder(all_scores.size(1)) + 1;
    const auto kept = ops::batched_nms(boxes, scores, labels, options.nms_thresh)
                          .slice(0, 0, options.detections_per_img);
    boxes = boxes.index_select(0, kept);
    scores = scores.index_select(0, kept);
    labels = labels.index_select(0, kept);
    detections.push_back({boxes, labels, scores, {}});
  }
  return detections;
}

at::Tensor RoIHeads::predict_masks(
    const std::vector<at::Tensor>& features, const std::vector<at::Tensor>& boxes) {
  const auto pooled = mask_roi_pool_.pool(features, to_rois(boxes));
  return mask_predictor_->forward(mask_head_->forward(pooled)).to(at::kFloat);
}

at::Tensor RoIHeads::predict_masks_of_class(
    const std::vector<at::Tensor>& features, const at::Tensor& rois, const at::Tensor& labels) {
  const auto pooled = mask_roi_pool_.pool(features, rois);
  return mask_predictor_->forward_of_class(mask_head_->forward(pooled), labels).to(at::kFloat);
}

std::vector<at::Tensor> RoIHeads::mask_probabilities(
    const std::vector<at::Tensor>& features,
    const std::vector<at::Tensor>& boxes,
    const std::vector<at::Tensor>& labels) {
  const auto rois = to_rois(boxes), classes = at::cat(labels);
  std::vector<at::Tensor> parts;
  const auto most = kMasks.on(rois.device());
  const auto rois_of = rois.split(most), classes_of = classes.split(most);
  for (size_t i = 0; i < rois_of.size(); ++i)
    parts.push_back(predict_masks_of_class(features, rois_of[i], classes_of[i]).sigmoid());
  const auto masks = parts.size() == 1 ? parts.front() : at::cat(parts);
  return masks.split_with_sizes(counts(boxes));
}

Matched RoIHeads::match_image(const at::Tensor& proposals, const Target& target) const {
  // The ground-truth boxes are added to the proposals, so that there are positives from the first
  // step on.
  const auto boxes = at::cat({proposals, target.boxes});  // [R_n,4]
  if (target.boxes.size(0) == 0) {
    const auto none = at::zeros({boxes.size(0)}, boxes.options().dtype(at::kLong));
    return {boxes, none, none};
  }
  const auto matches = matcher_.match(target.boxes, boxes);
  const auto instances = matches.clamp_min(0);
  const auto labels = target.labels.index_select(0, instances)
                          .masked_fill(matches == Matcher::kBackground, 0)
                          .masked_fill_(matches == Matcher::kIgnored, -1);
  return {boxes, instances, labels};
}

MatchedProposals RoIHeads::match(
    const std::vector<at::Tensor>& proposals, const std::vector<Target>& targets) const {
  std::vector<Matched> images;
  std::vector<at::Tensor> labels;
  for (size_t image = 0; image < targets.size(); ++image) {
    images.push_back(match_image(proposals[image], targets[image]));
    labels.push_back(images.back().labels);
  }
  return {std::move(images), BalancedSampler::pool(labels)};
}

std::vector<RoIHeads::TrainingSample> RoIHeads::sample(
    MatchedProposals& proposals, Generators& generators) const {
  std::vector<TrainingSample> samples;
  for (const auto& [positive, negative] : sampler_.draw(proposals.pool, generators)) {
    const auto& image = proposals.images[samples.size()];
    const auto chosen = std::get<0>(at::cat({positive, negative}).sort());
    samples.push_back(
        {{image.boxes.index_select(0, chosen),
          image.instances.index_select(0, chosen),
          image.labels.index_select(0, chosen)},
         {image.boxes.index_select(0, positive),
          image.instances.index_select(0, positive),
          image.labels.index_select(0, positive)},
         at::searchsorted(chosen, positive)});
  }
  return samples;
}

at::Tensor RoIHeads::pass_no_roi(const at::Tensor& map) {
  const auto pass = [&](Layer& head, int64_t side) {
    // What is pooled has gradients if the maps have.
    const auto pooled = map.new_zeros({0, map.size(1), side, side}) + map.sum();
    return head.forward(pooled.contiguous(at::MemoryFormat::ChannelsLast)).sum(at::kFloat);
  };
  auto sum = pass(*box_head_, options_.box_roi_pool.output_size);
  if (has_masks()) sum = sum + pass(*mask_head_, options_.mask_roi_pool.output_size);
  return sum;
}

RoiLosses RoIHeads::compute_losses(
    const std::vector<at::Tensor>& features,
    MatchedProposals& proposals,
    const std::vector<Target>& targets,
    Generators& generators) {
  const auto samples = sample(proposals, generators);
  std::vector<Matched> masked;
  std::vector<at::Tensor> masks_for;
  for (size_t image = 0; has_masks() && image < targets.size(); ++image) {
    masked.push_back(with_masks(samples[image].positive, targets[image].masks));
    masks_for.push_back(masked.back().boxes);
    masks_for.push_back(masked.back().instances);
  }
  ReadBack places_of_masks(masks_for);  // arrives while the heads compute

  std::vector<at::Tensor> boxes, all_labels, positive_boxes, positive_labels, places, wanted_boxes;
  int64_t first = 0;
  for (size_t image = 0; image < targets.size(); ++image) {
    const auto& [all, positive, place] = samples[image];
    boxes.push_back(all.boxes);
    all_labels.push_back(all.labels);
    positive_boxes.push_back(positive.boxes);
    positive_labels.push_back(positive.labels);
    places.push_back(place + first);
    wanted_boxes.push_back(targets[image].boxes.index_select(0, positive.instances));
    first += all.labels.size(0);
  }
  const auto labels = at::cat(all_labels);  // [R]
  const auto predictions = predict_boxes(features, boxes);
  int64_t masks = 0;
  for (const auto& image : masked) masks += image.labels.size(0);
  const auto mask_loss = [&] {
    if (!has_masks()) return at::zeros({}, predictions.class_logits.options());
    return compute_mask_loss(features, masked, places_of_masks, targets);
  };
  // Without proposals and objects there is nothing to learn: the mean of no elements would be NaN,
  // as it is in torchvision.
  if (labels.size(0) == 0) {
    return {
        predictions.class_logits.sum() * 0,
        predictions.box_regression.sum() * 0,
        mask_loss(),
        0,
        masks};
  }
  const auto classifier = at::cross_entropy_loss(predictions.class_logits, labels);

  const auto offsets =
      predictions.box_regression.reshape({labels.size(0), -1, 4}).index_select(0, at::cat(places));
  const auto box_reg = box_coder_.loss(
      of_class(offsets, at::cat(positive_labels)),
      at::cat(wanted_boxes),
      at::cat(positive_boxes),
      labels.numel());
  return {classifier, box_reg, mask_loss(), labels.numel(), masks};
}

at::Tensor RoIHeads::compute_mask_loss(
    const std::vector<at::Tensor>& features,
    const std::vector<Matched>& boxes,
    ReadBack& places,
    const std::vector<Target>& targets) {
  std::vector<at::Tensor> coordinates, labels;
  for (const auto& image : boxes) {
    coordinates.push_back(image.boxes);
    labels.push_back(image.labels);
  }
  const auto classes = at::cat(labels);
  const auto pooled = mask_roi_pool_.pool(features, to_rois(coordinates));
  const auto logits_of = [&](const at::Tensor& maps, const at::Tensor& classes) {
    return mask_predictor_->forward_of_class(maps, classes).to(at::kFloat);
  };
  // The mean of no elements would be NaN.
  if (classes.size(0) == 0) return logits_of(mask_head_->forward(pooled), classes).sum() * 0;
  const auto wanted = [&] {
    std::vector<at::Tensor> images;
    for (size_t image = 0; image < targets.size(); ++image) {
      const auto& target = targets[image];
      images.push_back(ops::mask_targets(
          target.masks,
          target.original.height,
          target.original.width,
          target.resized.height,
          target.resized.width,
          places.wait()[2 * image],
          places.wait()[2 * image + 1],
          2 * options_.mask_roi_pool.output_size));
    }
    return at::cat(images);
  };
  if (!pooled.is_cpu() || ops::computed_type(pooled) == at::kHalf) {
    // A device computes while the targets are made. In float16, gradients need the loss scale.
    const auto logits = logits_of(mask_head_->forward(pooled), classes);
    return at::binary_cross_entropy_with_logits(logits, upload(wanted(), logits.device()));
  }
  // Batch norms need the maps of all boxes at once.
  const bool norms = options_.convolutional_heads;
  auto parameters = mask_predictor_->parameters();
  if (!norms)
    for (const auto& parameter : mask_head_->parameters()) parameters.push_back(parameter);
  const auto masks = wanted();
  return ops::sum_of_blocks(
      norms ? mask_head_->forward(pooled) : pooled,
      parameters,
      kMasksInTraining * sizeof(float) / pooled.element_size(),
      [&](const at::Tensor& block, int64_t first) {
        const auto in_block = [&](const at::Tensor& all) {
          return all.narrow(0, first, block.size(0));
        };
        const auto logits =
            logits_of(norms ? block : mask_head_->forward(block), in_block(classes));
        const auto sum = at::binary_cross_entropy_with_logits(
            logits, in_block(masks), /*weight=*/{}, /*pos_weight=*/{}, at::Reduction::Sum);
        return sum / masks.numel();
      });
}

}  // namespace maskrcnn
