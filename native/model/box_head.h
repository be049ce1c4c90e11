#pragma once

#include <utility>

#include "model/linear_relu.h"
#include "torch.h"

namespace maskrcnn {

// Letters: R rois, C channels, S side of the pooled square, F features of a roi (the representation
// size), K classes including the background.

// [R,C,S,S] -> [R,F]: one feature vector per roi. Version 1: two fully connected layers (Feature
// Pyramid Networks, section 4.2).
struct TwoMlpHeadImpl : torch::nn::Module {
  TwoMlpHeadImpl(int64_t in_features, int64_t representation_size);
  at::Tensor forward(const at::Tensor& x);

  torch::nn::Linear fc6{nullptr};
  torch::nn::Linear fc7{nullptr};

 private:
  LinearReLU first_, second_;
};
TORCH_MODULE(TwoMlpHead);

// Version 2: four convolutions with batch norm, then one fully connected layer.
struct FastRcnnConvFcHeadImpl : torch::nn::Module {
  FastRcnnConvFcHeadImpl(int64_t channels, int64_t side, int64_t representation_size);
  at::Tensor forward(const at::Tensor& x);

 private:
  static constexpr int kConvolutions = 4;
  torch::nn::ModuleList blocks_;
  torch::nn::Linear fc_{nullptr};
  LinearReLU last_;
};
TORCH_MODULE(FastRcnnConvFcHead);

// [R,F] -> class logits [R,K] and box offsets [R,4K].
struct FastRcnnPredictorImpl : torch::nn::Module {
  FastRcnnPredictorImpl(int64_t in_features, int64_t num_classes);
  std::pair<at::Tensor, at::Tensor> forward(const at::Tensor& x);

  torch::nn::Linear cls_score{nullptr};
  torch::nn::Linear bbox_pred{nullptr};
};
TORCH_MODULE(FastRcnnPredictor);

}  // namespace maskrcnn
