#pragma once

#include <vector>

#include "aten.h"
#include "boxes/boxes.h"

namespace maskrcnn {

// An image as it is or mirrored, for detection in several views at once. Mirroring twice restores,
// so that the same functions lead there and back.
struct View {
  bool left_right = false;
  bool top_bottom = false;

  at::Tensor of_image(const at::Tensor& image /*[H,W,3]*/) const;
  at::Tensor of_boxes(const at::Tensor& boxes /*[...,4]*/, ImageSize size) const;
  at::Tensor of_masks(const at::Tensor& masks /*[R,M,M]*/) const;
};

// 1: the image as it is; 2: and left to right; 4: and top to bottom, and both.
std::vector<View> views_of_count(int64_t count);

}  // namespace maskrcnn
