#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "layers/conv_norm_activation.h"
#include "layers/norm_layer.h"
#include "model/body.h"

namespace maskrcnn {

// One numbered layer of a MobileNet.
struct MobileNetLayer {
  std::shared_ptr<Layer> layer;
  int64_t out_channels;
  bool halves;  // an inverted residual with stride 2, which begins a stage
};

bool is_mobilenet(const std::string& name);
std::vector<MobileNetLayer> mobilenet_layers(const std::string& name, const NormOptions& norm);

// A block of a MobileNet: convolution, norm, activation.
std::shared_ptr<ConvNormActivation> mobilenet_block(
    ConvNormActivationOptions options, const NormOptions& norm);

// Children '0', '1', ... up to the last returned stage. The stages are these layers: the first one,
// each one that halves the map, and the last one (torchvision detection/backbone_utils.py,
// _mobilenet_extractor).
struct MobileNet : Body {
  MobileNet(
      const std::vector<MobileNetLayer>& network,
      const std::vector<int64_t>& returned_stages,
      int64_t trainable_stages);

  std::vector<at::Tensor> forward(const at::Tensor& images) override;

  std::vector<std::vector<std::shared_ptr<Layer>>> parts;  // the layers from one map to the next
};

}  // namespace maskrcnn
