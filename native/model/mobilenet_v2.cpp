#include "model/mobilenet_v2.h"

namespace maskrcnn {

InvertedResidualV2::InvertedResidualV2(
    int64_t in, int64_t out, int64_t stride, int64_t expansion, const NormOptions& norm)
    : has_shortcut(stride == 1 && in == out) {
  const auto hidden = in * expansion;
  const auto activation = Activation::ReLU6;
  if (expansion != 1) {
    blocks.push_back(
        mobilenet_block({.in = in, .out = hidden, .kernel = 1, .activation = activation}, norm));
  }
  blocks.push_back(mobilenet_block(
      {.in = hidden, .out = hidden, .stride = stride, .groups = hidden, .activation = activation},
      norm));
  const auto last =
      std::make_shared<Conv2d>(Conv2dOptions{.in = hidden, .out = out, .kernel = 1, .bias = false});
  const auto last_norm = make_norm(norm, out);
  project = ConvolutionUnit(last, last_norm, Activation::None);

  const auto conv = add("conv", std::make_shared<Sequential>());
  for (const auto& block : blocks) conv->push_back(block);
  conv->push_back(last);
  conv->push_back(last_norm);
}

at::Tensor InvertedResidualV2::forward(const at::Tensor& x) {
  auto out = x;
  for (auto& block : blocks) out = block->forward(out);
  return project.forward(out, /*addend=*/has_shortcut ? x : at::Tensor());
}

std::vector<MobileNetLayer> mobilenet_v2(const NormOptions& norm) {
  struct Setting {
    int64_t expansion, channels, repeats, stride;
  };
  // MobileNetV2, table 2.
  const std::vector<Setting> settings = {
      {1, 16, 1, 1},
      {6, 24, 2, 2},
      {6, 32, 3, 2},
      {6, 64, 4, 2},
      {6, 96, 3, 1},
      {6, 160, 3, 2},
      {6, 320, 1, 1},
  };
  constexpr int64_t kFirst = 32, kLast = 1280;

  std::vector<MobileNetLayer> layers;
  const auto add = [&](const std::shared_ptr<Layer>& layer, int64_t out, bool halves) {
    layers.push_back({layer, out, halves});
  };
  add(mobilenet_block({.in = 3, .out = kFirst, .stride = 2, .activation = Activation::ReLU6}, norm),
      kFirst,
      /*halves=*/false);
  auto channels = kFirst;
  for (const auto& setting : settings) {
    for (int64_t repeat = 0; repeat < setting.repeats; ++repeat) {
      const auto stride = repeat == 0 ? setting.stride : 1;
      add(std::make_shared<InvertedResidualV2>(
              channels, setting.channels, stride, setting.expansion, norm),
          setting.channels,
          /*halves=*/stride == 2);
      channels = setting.channels;
    }
  }
  add(mobilenet_block(
          {.in = channels, .out = kLast, .kernel = 1, .activation = Activation::ReLU6}, norm),
      kLast,
      /*halves=*/false);
  return layers;
}

}  // namespace maskrcnn
