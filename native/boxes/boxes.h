#pragma once

#include "aten.h"

namespace maskrcnn {

struct ImageSize {
  int64_t height;
  int64_t width;
};

// Boxes are [R,4] f32: x0, y0, x1, y1 in pixels, x1 and y1 exclusive (torchvision/ops/boxes.py).

at::Tensor box_area(const at::Tensor& boxes);  // [R]

// Intersection over union of each pair, [G,R].
at::Tensor box_iou(const at::Tensor& boxes1, const at::Tensor& boxes2);

// boxes: [...,4]
at::Tensor clip_boxes_to_image(const at::Tensor& boxes, ImageSize size);

// Whether both sides are >= min_size: [...,4] -> [...]
at::Tensor are_large(const at::Tensor& boxes, double min_size);

at::Tensor resize_boxes(const at::Tensor& boxes, ImageSize from, ImageSize to);

}  // namespace maskrcnn
