#include "model/mobilenet_v3.h"

#include "layers/squeeze_excitation.h"

namespace maskrcnn {

namespace {

// The nearest multiple of 8 that is not more than 10 % below `channels` (torchvision
// models/_utils.py, _make_divisible).
int64_t multiple_of_eight(int64_t channels) {
  const auto nearest = std::max<int64_t>(8, (channels + 4) / 8 * 8);
  return nearest * 10 < channels * 9 ? nearest + 8 : nearest;
}

}  // namespace

InvertedResidualV3::InvertedResidualV3(
    const InvertedResidualV3Options& options, const NormOptions& norm)
    : block(add("block", std::make_shared<Sequential>())),
      has_shortcut(options.stride == 1 && options.in == options.out) {
  const auto expanded = options.expanded;
  if (expanded != options.in) {
    block->push_back(mobilenet_block(
        {.in = options.in, .out = expanded, .kernel = 1, .activation = options.activation}, norm));
  }
  block->push_back(mobilenet_block(
      {.in = expanded,
       .out = expanded,
       .kernel = options.kernel,
       .stride = options.stride,
       .groups = expanded,
       .activation = options.activation},
      norm));
  if (options.squeeze_excitation) {
    block->push_back(
        std::make_shared<SqueezeExcitation>(expanded, multiple_of_eight(expanded / 4)));
  }
  block->push_back(mobilenet_block(
      {.in = expanded, .out = options.out, .kernel = 1, .activation = Activation::None}, norm));
}

at::Tensor InvertedResidualV3::forward(const at::Tensor& x) {
  auto out = block->forward(x);
  return has_shortcut ? out.add_(x) : out;
}

std::vector<MobileNetLayer> mobilenet_v3_large(const NormOptions& norm) {
  constexpr auto RE = Activation::ReLU, HS = Activation::Hardswish;
  // MobileNetV3, table 1.
  const std::vector<InvertedResidualV3Options> settings = {
      {16, 3, 16, 16, false, RE, 1},
      {16, 3, 64, 24, false, RE, 2},
      {24, 3, 72, 24, false, RE, 1},
      {24, 5, 72, 40, true, RE, 2},
      {40, 5, 120, 40, true, RE, 1},
      {40, 5, 120, 40, true, RE, 1},
      {40, 3, 240, 80, false, HS, 2},
      {80, 3, 200, 80, false, HS, 1},
      {80, 3, 184, 80, false, HS, 1},
      {80, 3, 184, 80, false, HS, 1},
      {80, 3, 480, 112, true, HS, 1},
      {112, 3, 672, 112, true, HS, 1},
      {112, 5, 672, 160, true, HS, 2},
      {160, 5, 960, 160, true, HS, 1},
      {160, 5, 960, 160, true, HS, 1},
  };
  const auto first = settings.front().in, last = 6 * settings.back().out;

  std::vector<MobileNetLayer> layers;
  const auto add = [&](const std::shared_ptr<Layer>& layer, int64_t out, bool halves) {
    layers.push_back({layer, out, halves});
  };
  add(mobilenet_block({.in = 3, .out = first, .stride = 2, .activation = HS}, norm),
      first,
      /*halves=*/false);
  for (const auto& setting : settings) {
    add(std::make_shared<InvertedResidualV3>(setting, norm),
        setting.out,
        /*halves=*/setting.stride == 2);
  }
  add(mobilenet_block(
          {.in = settings.back().out, .out = last, .kernel = 1, .activation = HS}, norm),
      last,
      /*halves=*/false);
  return layers;
}

}  // namespace maskrcnn
