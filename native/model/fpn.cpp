#include "model/fpn.h"

#include <algorithm>

#include "device/precision.h"
#include "layers/conv_norm_activation.h"
#include "layers/initial_values.h"

namespace maskrcnn {

namespace {

std::shared_ptr<ConvNormActivation> pyramid_block(
    int64_t in, int64_t out, int64_t kernel, const NormOptions& norm) {
  const auto block = std::make_shared<ConvNormActivation>(ConvNormActivationOptions{
      .in = in,
      .out = out,
      .kernel = kernel,
      .norm = norm.type,
      .norm_eps = norm.eps,
      .norm_momentum = norm.momentum,
      .activation = Activation::None});
  draw_kaiming_uniform(block->conv->weight, /*negative_slope=*/1);
  fill_zeros(block->conv->bias);
  return block;
}

}  // namespace

FeaturePyramidNetwork::FeaturePyramidNetwork(
    const std::vector<int64_t>& in_channels, int64_t out_channels, const NormOptions& norm)
    : inner_blocks(add("inner_blocks", std::make_shared<Sequential>())),
      layer_blocks(add("layer_blocks", std::make_shared<Sequential>())) {
  for (const auto channels : in_channels) {
    inner_blocks->push_back(pyramid_block(channels, out_channels, /*kernel=*/1, norm));
    layer_blocks->push_back(pyramid_block(out_channels, out_channels, /*kernel=*/3, norm));
  }
}

std::vector<at::Tensor> FeaturePyramidNetwork::forward(const std::vector<at::Tensor>& maps) {
  TORCH_CHECK(
      maps.size() == inner_blocks->size(),
      "the pyramid takes ",
      inner_blocks->size(),
      " maps, got ",
      maps.size());
  std::vector<at::Tensor> levels;  // coarsest first
  at::Tensor inner;                // [N,out_channels,H_l,W_l]
  for (size_t level = maps.size(); level-- > 0;) {
    auto lateral = (*inner_blocks)[level].forward(maps[level]);
    if (inner.defined()) {
      const auto size = lateral.sizes().slice(/*N=*/2);
      const ExactScope exact;  // only copies values, so it needs no wider type
      lateral.add_(at::upsample_nearest2d(inner, size));
    }
    inner = lateral;
    levels.push_back((*layer_blocks)[level].forward(inner));
  }
  std::reverse(levels.begin(), levels.end());
  levels.push_back(at::max_pool2d(levels.back(), /*kernel_size=*/1, /*stride=*/2));
  return levels;
}

}  // namespace maskrcnn
