#pragma once

#include <vector>

#include "aten.h"
#include "boxes/boxes.h"
#include "device/transfers.h"

namespace maskrcnn {

struct AnchorOptions {
  std::vector<std::vector<double>> sizes;          // pixels, a list per level
  std::vector<std::vector<double>> aspect_ratios;  // height / width, a list per level
};

// Reference boxes of several sizes and aspect ratios at every cell of every feature level (Faster
// R-CNN, section 3.1.1; torchvision detection/anchor_utils.py).
class AnchorGenerator {
 public:
  explicit AnchorGenerator(const AnchorOptions& options);

  int64_t num_anchors_per_location() const { return num_anchors_per_location_; }

  // features: [N,C,H_l,W_l] per level; padded: the batch's height and width -> [A·H_l·W_l, 4] per
  // level. The anchors of the last call are cached and reused for images of the same size.
  const std::vector<at::Tensor>& generate(
      const std::vector<at::Tensor>& features, ImageSize padded) const;

 private:
  // Everything that the anchors depend on.
  struct Grid {
    std::vector<std::vector<int64_t>> levels;  // rows, columns
    int64_t height, width;                     // of the batch
    at::Device device;
    bool operator==(const Grid&) const = default;
  };

  int64_t num_anchors_per_location_;
  std::vector<Constant> cell_anchors_;  // per level [A,4], centred at the origin, whole pixels
  mutable std::optional<Grid> grid_;
  mutable std::vector<at::Tensor> anchors_;  // for grid_
};

}  // namespace maskrcnn
