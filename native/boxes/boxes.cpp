#include "boxes/boxes.h"

#include <algorithm>

namespace maskrcnn {

at::Tensor box_area(const at::Tensor& boxes) {
  return (boxes.select(1, 2) - boxes.select(1, 0)) * (boxes.select(1, 3) - boxes.select(1, 1));
}

at::Tensor box_iou(const at::Tensor& boxes1, const at::Tensor& boxes2) {
  const auto corners1 = boxes1.unsqueeze(1);                                 // [G,1,4]
  const auto low = at::max(corners1.slice(2, 0, 2), boxes2.slice(1, 0, 2));  // [G,R,2]
  const auto high = at::min(corners1.slice(2, 2, 4), boxes2.slice(1, 2, 4));
  const auto sides = (high - low).clamp_min_(0);
  const auto intersection = sides.select(2, 0) * sides.select(2, 1);  // [G,R]
  return intersection / (box_area(boxes1).unsqueeze(1) + box_area(boxes2) - intersection);
}

at::Tensor clip_boxes_to_image(const at::Tensor& boxes, ImageSize size) {
  const auto x = boxes.slice(-1, 0, 4, /*step=*/2).clamp(0, size.width);   // x0, x1
  const auto y = boxes.slice(-1, 1, 4, /*step=*/2).clamp(0, size.height);  // y0, y1
  return at::stack({x, y}, /*dim=*/-1).flatten(/*start_dim=*/-2);
}

at::Tensor are_large(const at::Tensor& boxes, double min_size) {
  const auto sides = boxes.slice(-1, 2, 4) - boxes.slice(-1, 0, 2);
  return (sides >= min_size).all(/*dim=*/-1);
}

at::Tensor resize_boxes(const at::Tensor& boxes, ImageSize from, ImageSize to) {
  // Divided in float32, as torchvision does (detection/transform.py, resize_boxes).
  const float ratio_x = static_cast<float>(to.width) / static_cast<float>(from.width);
  const float ratio_y = static_cast<float>(to.height) / static_cast<float>(from.height);
  return boxes * at::tensor({ratio_x, ratio_y, ratio_x, ratio_y}, boxes.options());
}

}  // namespace maskrcnn
