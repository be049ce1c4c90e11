#pragma once

#include <memory>

#include "layers/layers.h"
#include "layers/linear_relu.h"

namespace maskrcnn {

// Letters: R rois, C channels of the mask head, K classes including the background.

// Four 3×3 convolutions, [R,in_channels,14,14] -> [R,C,14,14] (Mask R-CNN, figure 4, right).
// Version 2 adds batch norm.
struct MaskRcnnHeads : Sequential {
  MaskRcnnHeads(int64_t in_channels, int64_t channels, bool batch_norm);
};

// Transposed convolution and one mask per class, [R,C,14,14] -> logits [R,K,28,28].
struct MaskRcnnPredictor : Module {
  MaskRcnnPredictor(int64_t channels, int64_t num_classes);
  at::Tensor forward(const at::Tensor& x);
  // Only the mask of one class per roi: [R,C,14,14], [R] -> logits [R,28,28].
  at::Tensor forward_of_class(const at::Tensor& x, const at::Tensor& classes);

  std::shared_ptr<ConvTranspose2d> conv5_mask;
  std::shared_ptr<Conv2d> mask_fcn_logits;

 private:
  // [R,C,S,S] -> [R, S·S·2·2, C], with the weights and the bias of conv5_mask
  at::Tensor grow(const at::Tensor& x);

  LinearReLU growth_;
};

}  // namespace maskrcnn
