#pragma once

#include <vector>

#include "model/options.h"
#include "torch.h"

namespace maskrcnn {

// Reference boxes of several sizes and shapes around every cell of every feature level (Faster
// R-CNN, section 3.1.1; torchvision detection/anchor_utils.py).
class AnchorGenerator {
 public:
  explicit AnchorGenerator(const AnchorOptions& options);

  int64_t num_anchors_per_location() const { return cell_anchors_.front().size(0); }

  // features: [N,C,H_l,W_l] per level; padded: the batch's height and width -> [A·H_l·W_l, 4] per
  // level
  std::vector<at::Tensor> generate(const std::vector<at::Tensor>& features, ImageSize padded) const;

 private:
  std::vector<at::Tensor> cell_anchors_;  // per level [A,4], around the origin, whole pixels
};

}  // namespace maskrcnn
