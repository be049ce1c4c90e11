#include "model/box_head.h"

#include <string>

#include "layers/initial_values.h"
#include "ops/linear.h"

namespace maskrcnn {

TwoMlpHead::TwoMlpHead(int64_t in_features, int64_t representation_size) {
  fc6 = add("fc6", std::make_shared<Linear>(in_features, representation_size));
  fc7 = add("fc7", std::make_shared<Linear>(representation_size, representation_size));
}

at::Tensor TwoMlpHead::forward(const at::Tensor& x) {
  return second_.forward(first_.forward(x.flatten(/*start_dim=*/1), *fc6), *fc7);
}

FastRcnnConvFcHead::FastRcnnConvFcHead(
    int64_t channels, int64_t side, int64_t representation_size) {
  for (int i = 0; i < kConvolutions; ++i) {
    const auto block = std::make_shared<ConvNormActivation>(ConvNormActivationOptions{
        .in = channels, .out = channels, .kernel = 3, .norm = Norm::Batch});
    draw_kaiming_normal(block->conv->weight);
    blocks_.push_back(add(std::to_string(i), block));
  }
  // Index 4 is torchvision's Flatten, which has no parameters.
  fc_ =
      add(std::to_string(kConvolutions + 1),
          std::make_shared<Linear>(channels * side * side, representation_size));
}

at::Tensor FastRcnnConvFcHead::forward(const at::Tensor& input) {
  auto x = input;
  for (const auto& block : blocks_) x = block->forward(x);
  return last_.forward(x.flatten(/*start_dim=*/1), *fc_);
}

FastRcnnPredictor::FastRcnnPredictor(int64_t in_features, int64_t num_classes) {
  cls_score = add("cls_score", std::make_shared<Linear>(in_features, num_classes));
  bbox_pred = add("bbox_pred", std::make_shared<Linear>(in_features, num_classes * 4));
}

std::pair<at::Tensor, at::Tensor> FastRcnnPredictor::forward(const at::Tensor& x) {
  return {
      ops::linear(x, cls_score->weight, cls_score->bias),
      ops::linear(x, bbox_pred->weight, bbox_pred->bias)};
}

}  // namespace maskrcnn
