#include "model/views.h"

namespace maskrcnn {

namespace {

at::Tensor mirror(
    const at::Tensor& x, const View& view, int64_t vertical_axis, int64_t horizontal_axis) {
  std::vector<int64_t> axes;
  if (view.top_bottom) axes.push_back(vertical_axis);
  if (view.left_right) axes.push_back(horizontal_axis);
  return axes.empty() ? x : x.flip(axes);
}

}  // namespace

at::Tensor View::of_image(const at::Tensor& image) const {
  return mirror(image, *this, 0, 1);
}

at::Tensor View::of_boxes(const at::Tensor& boxes, ImageSize size) const {
  auto mirrored = boxes.unbind(-1);  // x0, y0, x1, y1
  if (left_right) {
    const auto left = size.width - mirrored[2];
    mirrored[2] = size.width - mirrored[0];
    mirrored[0] = left;
  }
  if (top_bottom) {
    const auto top = size.height - mirrored[3];
    mirrored[3] = size.height - mirrored[1];
    mirrored[1] = top;
  }
  return at::stack(mirrored, -1);
}

at::Tensor View::of_masks(const at::Tensor& masks) const {
  return mirror(masks, *this, 1, 2);
}

std::vector<View> views_of_count(int64_t count) {
  TORCH_CHECK(count == 1 || count == 2 || count == 4, "there are 1, 2 or 4 views, not ", count);
  std::vector<View> views = {{}};
  if (count > 1) views.push_back({.left_right = true});
  if (count > 2) {
    views.push_back({.top_bottom = true});
    views.push_back({.left_right = true, .top_bottom = true});
  }
  return views;
}

}  // namespace maskrcnn
