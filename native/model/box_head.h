#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "layers/conv_norm_activation.h"
#include "layers/layers.h"
#include "layers/linear_relu.h"

namespace maskrcnn {

// Letters: R rois, C channels, S side of the pooled square, F features of a roi (the representation
// size), K classes including the background.

// [R,C,S,S] -> [R,F]: one feature vector per roi. Version 1: two fully connected layers (Feature
// Pyramid Networks, section 4.2).
struct TwoMlpHead : Layer {
  TwoMlpHead(int64_t in_features, int64_t representation_size);
  at::Tensor forward(const at::Tensor& x) override;

  std::shared_ptr<Linear> fc6, fc7;

 private:
  LinearReLU first_, second_;
};

// Version 2: four convolutions with batch norm, then one fully connected layer.
struct FastRcnnConvFcHead : Layer {
  FastRcnnConvFcHead(int64_t channels, int64_t side, int64_t representation_size);
  at::Tensor forward(const at::Tensor& x) override;

 private:
  static constexpr int kConvolutions = 4;
  std::vector<std::shared_ptr<ConvNormActivation>> blocks_;
  std::shared_ptr<Linear> fc_;
  LinearReLU last_;
};

// [R,F] -> class logits [R,K] and box offsets [R,4K].
struct FastRcnnPredictor : Module {
  FastRcnnPredictor(int64_t in_features, int64_t num_classes);
  std::pair<at::Tensor, at::Tensor> forward(const at::Tensor& x);

  std::shared_ptr<Linear> cls_score, bbox_pred;
};

}  // namespace maskrcnn
