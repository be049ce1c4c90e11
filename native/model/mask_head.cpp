#include "model/mask_head.h"

#include <string>

#include "model/conv_norm_activation.h"

namespace maskrcnn {

namespace {

constexpr int kConvolutions = 4;
// Rois whose grown maps have gradients at once. An image with many objects has 128 rois, and their
// gradients would take 100 MB.
constexpr int64_t kGrownAtOnce = 16;

void init_kaiming(const at::Tensor& weight) {
  torch::nn::init::kaiming_normal_(weight, /*a=*/0, torch::kFanOut, torch::kReLU);
}

// [R, S·S·2·2, K] -> [R,K,2·S,2·S]
at::Tensor interleave(const at::Tensor& logits, int64_t side) {
  const auto rois = logits.size(0), classes = logits.size(2);
  return logits.view({rois, side, side, 2, 2, classes})
      .permute({0, 5, 1, 3, 2, 4})
      .reshape({rois, classes, 2 * side, 2 * side});
}

}  // namespace

MaskRcnnHeadsImpl::MaskRcnnHeadsImpl(int64_t in_channels, int64_t channels, bool batch_norm) {
  for (int i = 0; i < kConvolutions; ++i) {
    const ConvNormActivation block(ConvNormActivationOptions{
        .in = i == 0 ? in_channels : channels,
        .out = channels,
        .kernel = 3,
        .norm = batch_norm ? Norm::Batch : Norm::None});
    init_kaiming(block->conv->weight);
    if (block->conv->bias.defined()) torch::nn::init::zeros_(block->conv->bias);
    blocks_->push_back(register_module(std::to_string(i), block));
  }
}

at::Tensor MaskRcnnHeadsImpl::forward(const at::Tensor& input) {
  auto x = input;
  for (const auto& block : *blocks_) x = block->as<ConvNormActivationImpl>()->forward(x);
  return x;
}

MaskRcnnPredictorImpl::MaskRcnnPredictorImpl(int64_t channels, int64_t num_classes) {
  conv5_mask = register_module(
      "conv5_mask",
      torch::nn::ConvTranspose2d(
          torch::nn::ConvTranspose2dOptions(channels, channels, 2).stride(2)));
  mask_fcn_logits = register_module(
      "mask_fcn_logits", torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, num_classes, 1)));
  init_kaiming(conv5_mask->weight);
  init_kaiming(mask_fcn_logits->weight);
}

at::Tensor MaskRcnnPredictorImpl::grow(const at::Tensor& x) {
  // The windows of a 2×2 transposed convolution with stride 2 do not overlap: a linear map computes
  // the 2×2 output pixels of each input pixel, [S·S,C] -> [S·S,2·2·C]. The 1×1 convolution after it
  // also works pixel by pixel. So only its few output channels need to be interleaved.
  const auto rois = x.size(0), channels = x.size(1), side = x.size(2);
  const auto pixels = x.permute({0, 2, 3, 1}).reshape({-1, channels});  // [R·S·S,C]
  return growth_
      .forward(
          pixels,
          {conv5_mask->weight, conv5_mask->bias},
          [&] {
            return LinearWeights{
                conv5_mask->weight.permute({2, 3, 1, 0}).reshape({-1, channels}),
                conv5_mask->bias.repeat({4})};
          })
      .view({rois, side * side * 4, channels});
}

at::Tensor MaskRcnnPredictorImpl::forward(const at::Tensor& x) {
  const auto logits =
      at::linear(grow(x), mask_fcn_logits->weight.flatten(1), mask_fcn_logits->bias);
  return interleave(logits, x.size(2));
}

at::Tensor MaskRcnnPredictorImpl::forward_of_class(const at::Tensor& x, const at::Tensor& classes) {
  const auto weight = mask_fcn_logits->weight.flatten(1).index_select(0, classes);  // [R,C]
  const auto bias = mask_fcn_logits->bias.index_select(0, classes);                 // [R]
  const auto most = x.is_cpu() && x.requires_grad() ? kGrownAtOnce : x.size(0);
  std::vector<at::Tensor> parts;
  const auto columns = weight.unsqueeze(2).split(most);
  for (const auto& part : x.split(most))
    parts.push_back(at::bmm(grow(part), columns[parts.size()]));
  const auto products = parts.size() == 1 ? parts.front() : at::cat(parts);
  return interleave(products + bias.view({-1, 1, 1}), x.size(2)).squeeze(1);
}

}  // namespace maskrcnn
