#include "model/backbone.h"

#include <algorithm>

#include "model/mobilenet.h"
#include "model/resnet.h"

namespace maskrcnn {

namespace {

// torchvision's detection builders pass the norm layer themselves, so every batch norm has the eps
// and momentum of nn.BatchNorm2d. MobileNetV3's own 1e-3 and 1e-2 never apply
// (detection/faster_rcnn.py, backbone_utils.py).
NormOptions body_norm(const BackboneOptions& options) {
  if (options.frozen_norm) return {.type = Norm::Frozen, .eps = options.frozen_norm_eps};
  return {.type = Norm::Batch};
}

std::shared_ptr<Body> make_body(const BackboneOptions& options) {
  const auto& returned = options.returned_layers;
  TORCH_CHECK(
      !returned.empty() && std::ranges::is_sorted(returned, std::ranges::less_equal{}),
      "the returned layers must rise, got ",
      returned);
  const auto norm = body_norm(options);
  if (is_resnet(options.name)) {
    return std::make_shared<ResNet>(
        resnet_options(options.name), norm, returned, options.trainable_layers);
  }
  TORCH_CHECK(is_mobilenet(options.name), "there is no backbone named '", options.name, "'");
  return std::make_shared<MobileNet>(
      mobilenet_layers(options.name, norm), returned, options.trainable_layers);
}

}  // namespace

Backbone::Backbone(const BackboneOptions& options) : out_channels(options.fpn_channels) {
  body = add("body", make_body(options));
  const NormOptions norm = {.type = options.fpn_batch_norm ? Norm::Batch : Norm::None};
  fpn = add("fpn", std::make_shared<FeaturePyramidNetwork>(body->map_channels, out_channels, norm));
}

std::vector<at::Tensor> Backbone::forward(const at::Tensor& images) {
  return forward_fpn(forward_body(images));
}

std::vector<at::Tensor> Backbone::forward_body(const at::Tensor& images) {
  return body->forward(images);
}

std::vector<at::Tensor> Backbone::forward_fpn(const std::vector<at::Tensor>& maps) {
  return fpn->forward(maps);
}

std::vector<int64_t> Backbone::strides() const {
  auto strides = body->map_strides;
  strides.push_back(2 * strides.back());  // 'pool'
  return strides;
}

}  // namespace maskrcnn
