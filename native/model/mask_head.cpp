#include "model/mask_head.h"

#include <string>

#include "model/conv_norm_activation.h"

namespace maskrcnn {

namespace {

constexpr int kConvolutions = 4;

void init_kaiming(const at::Tensor& weight) {
  torch::nn::init::kaiming_normal_(weight, /*a=*/0, torch::kFanOut, torch::kReLU);
}

}  // namespace

MaskRcnnHeadsImpl::MaskRcnnHeadsImpl(int64_t channels, bool batch_norm) {
  for (int i = 0; i < kConvolutions; ++i) {
    const ConvNormActivation block(ConvNormActivationOptions{
        .in = channels,
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

at::Tensor MaskRcnnPredictorImpl::forward(const at::Tensor& x) {
  return mask_fcn_logits->forward(conv5_mask->forward(x).relu_());
}

}  // namespace maskrcnn
