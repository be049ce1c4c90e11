#include "model/box_head.h"

#include <string>

#include "model/conv_norm_activation.h"
#include "ops/linear.h"

namespace maskrcnn {

TwoMlpHeadImpl::TwoMlpHeadImpl(int64_t in_features, int64_t representation_size) {
  fc6 = register_module("fc6", torch::nn::Linear(in_features, representation_size));
  fc7 = register_module("fc7", torch::nn::Linear(representation_size, representation_size));
}

at::Tensor TwoMlpHeadImpl::forward(const at::Tensor& x) {
  return second_.forward(first_.forward(x.flatten(/*start_dim=*/1), fc6), fc7);
}

FastRcnnConvFcHeadImpl::FastRcnnConvFcHeadImpl(
    int64_t channels, int64_t side, int64_t representation_size) {
  for (int i = 0; i < kConvolutions; ++i) {
    const ConvNormActivation block(ConvNormActivationOptions{
        .in = channels, .out = channels, .kernel = 3, .norm = Norm::Batch});
    torch::nn::init::kaiming_normal_(block->conv->weight, /*a=*/0, torch::kFanOut, torch::kReLU);
    blocks_->push_back(register_module(std::to_string(i), block));
  }
  // Index 4 is torchvision's Flatten, which has no parameters.
  fc_ = register_module(
      std::to_string(kConvolutions + 1),
      torch::nn::Linear(channels * side * side, representation_size));
}

at::Tensor FastRcnnConvFcHeadImpl::forward(const at::Tensor& input) {
  auto x = input;
  for (const auto& block : *blocks_) x = block->as<ConvNormActivationImpl>()->forward(x);
  return last_.forward(x.flatten(/*start_dim=*/1), fc_);
}

FastRcnnPredictorImpl::FastRcnnPredictorImpl(int64_t in_features, int64_t num_classes) {
  cls_score = register_module("cls_score", torch::nn::Linear(in_features, num_classes));
  bbox_pred = register_module("bbox_pred", torch::nn::Linear(in_features, num_classes * 4));
}

std::pair<at::Tensor, at::Tensor> FastRcnnPredictorImpl::forward(const at::Tensor& x) {
  return {
      ops::linear(x, cls_score->weight, cls_score->bias),
      ops::linear(x, bbox_pred->weight, bbox_pred->bias)};
}

}  // namespace maskrcnn
