#include "model/mobilenet.h"

#include <algorithm>

#include "layers/initial_values.h"
#include "layers/recomputed.h"
#include "model/mobilenet_v2.h"
#include "model/mobilenet_v3.h"

namespace maskrcnn {

namespace {

std::vector<int64_t> stage_indices(const std::vector<MobileNetLayer>& layers) {
  std::vector<int64_t> indices = {0};
  for (size_t index = 0; index < layers.size(); ++index) {
    if (layers[index].halves) indices.push_back(static_cast<int64_t>(index));
  }
  indices.push_back(static_cast<int64_t>(layers.size()) - 1);
  return indices;
}

// torchvision models/mobilenetv2.py and mobilenetv3.py. Norms keep the initial values of
// nn.BatchNorm2d.
void initialize(const Module& network) {
  network.for_each([](const Module& part) {
    if (const auto* conv = dynamic_cast<const Conv2d*>(&part)) {
      draw_kaiming_normal(conv->weight);
      fill_zeros(conv->bias);
    }
  });
}

}  // namespace

bool is_mobilenet(const std::string& name) {
  return name == "mobilenet_v2" || name == "mobilenet_v3_large";
}

std::vector<MobileNetLayer> mobilenet_layers(const std::string& name, const NormOptions& norm) {
  return name == "mobilenet_v2" ? mobilenet_v2(norm) : mobilenet_v3_large(norm);
}

std::shared_ptr<ConvNormActivation> mobilenet_block(
    ConvNormActivationOptions options, const NormOptions& norm) {
  options.norm = norm.type;
  options.norm_eps = norm.eps;
  options.norm_momentum = norm.momentum;
  return std::make_shared<ConvNormActivation>(options);
}

MobileNet::MobileNet(
    const std::vector<MobileNetLayer>& network,
    const std::vector<int64_t>& returned_stages,
    int64_t trainable_stages) {
  const auto stages = stage_indices(network);
  const auto count = static_cast<int64_t>(stages.size());
  TORCH_CHECK(
      returned_stages.front() >= 0 && returned_stages.back() < count,
      "the returned stages of a MobileNet are 0 to ",
      count - 1,
      ", got ",
      returned_stages);
  TORCH_CHECK(
      trainable_stages >= 0 && trainable_stages <= count,
      "the trainable stages of a MobileNet are 0 to ",
      count,
      ", got ",
      trainable_stages);

  const auto first_trained = trainable_stages == 0 ? static_cast<int64_t>(network.size())
                                                   : stages[count - trainable_stages];
  const auto last = stages[returned_stages.back()];
  int64_t stride = 2;  // of the first layer
  parts.emplace_back();
  for (int64_t index = 0; index <= last; ++index) {
    const auto& layer = network[index];
    add(std::to_string(index), layer.layer);
    for (const auto& parameter : layer.layer->parameters()) {
      parameter.set_requires_grad(index >= first_trained);
    }
    parts.back().push_back(layer.layer);
    if (layer.halves) stride *= 2;
    const bool is_returned =
        std::ranges::any_of(returned_stages, [&](int64_t stage) { return stages[stage] == index; });
    if (!is_returned) continue;
    map_channels.push_back(layer.out_channels);
    map_strides.push_back(stride);
    if (index < last) parts.emplace_back();
  }
  initialize(*this);
}

std::vector<at::Tensor> MobileNet::forward(const at::Tensor& images) {
  auto x = images;
  std::vector<at::Tensor> maps;
  for (const auto& part : parts) {
    x = checkpoints_activations ? recomputed(part, x) : run_layers(part, x);
    maps.push_back(x);
  }
  return maps;
}

}  // namespace maskrcnn
