#include "model/fpn.h"

#include <algorithm>

#include "device/precision.h"
#include "model/conv_norm_activation.h"

namespace maskrcnn {

namespace {

ConvNormActivation pyramid_block(int64_t in, int64_t out, int64_t kernel, const NormOptions& norm) {
  ConvNormActivation block(ConvNormActivationOptions{
      .in = in,
      .out = out,
      .kernel = kernel,
      .norm = norm.type,
      .norm_eps = norm.eps,
      .norm_momentum = norm.momentum,
      .activation = Activation::None});
  torch::nn::init::kaiming_uniform_(block->conv->weight, /*a=*/1);
  if (block->conv->bias.defined()) torch::nn::init::zeros_(block->conv->bias);
  return block;
}

at::Tensor run(torch::nn::ModuleList& blocks, size_t level, const at::Tensor& x) {
  return blocks[level]->as<ConvNormActivation>()->forward(x);
}

}  // namespace

FeaturePyramidNetworkImpl::FeaturePyramidNetworkImpl(
    const std::vector<int64_t>& in_channels, int64_t out_channels, const NormOptions& norm) {
  for (const auto channels : in_channels) {
    inner_blocks->push_back(pyramid_block(channels, out_channels, /*kernel=*/1, norm));
    layer_blocks->push_back(pyramid_block(out_channels, out_channels, /*kernel=*/3, norm));
  }
  register_module("inner_blocks", inner_blocks);
  register_module("layer_blocks", layer_blocks);
}

std::vector<at::Tensor> FeaturePyramidNetworkImpl::forward(const std::vector<at::Tensor>& maps) {
  TORCH_CHECK(
      maps.size() == inner_blocks->size(),
      "the pyramid takes ",
      inner_blocks->size(),
      " maps, got ",
      maps.size());
  std::vector<at::Tensor> levels;  // coarsest first
  at::Tensor inner;                // [N,out_channels,H_l,W_l]
  for (size_t level = maps.size(); level-- > 0;) {
    auto lateral = run(inner_blocks, level, maps[level]);
    if (inner.defined()) {
      const auto size = lateral.sizes().slice(/*N=*/2);
      const ExactScope exact;  // only copies values, so it needs no wider type
      lateral.add_(at::upsample_nearest2d(inner, size));
    }
    inner = lateral;
    levels.push_back(run(layer_blocks, level, inner));
  }
  std::reverse(levels.begin(), levels.end());
  levels.push_back(at::max_pool2d(levels.back(), /*kernel_size=*/1, /*stride=*/2));
  return levels;
}

}  // namespace maskrcnn
