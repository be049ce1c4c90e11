#pragma once

#include <vector>

#include "aten.h"
#include "boxes/boxes.h"

namespace maskrcnn {

// An image, mirrored or not, for test-time augmentation. Mirroring twice restores the original, so
// the same functions convert in both directions.
struct View {
  bool left_right = false;
  bool top_bottom = false;

  at::Tensor of_image(const at::Tensor& image /*[H,W,3]*/) const;
  at::Tensor of_boxes(const at::Tensor& boxes /*[...,4]*/, ImageSize size) const;
  at::Tensor of_masks(const at::Tensor& masks /*[R,M,M]*/) const;
};

// Count 1 is the original image; 2 adds the one mirrored left to right; 4 adds the ones mirrored
// top to bottom and both ways.
std::vector<View> views_of_count(int64_t count);

}  // namespace maskrcnn
