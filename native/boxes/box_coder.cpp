#include "boxes/box_coder.h"

#include <cmath>

namespace maskrcnn {

namespace {

struct CenterForm {
  at::Tensor x, y, width, height;
};

CenterForm center_form(const at::Tensor& boxes) {
  const auto width = boxes.select(1, 2) - boxes.select(1, 0);
  const auto height = boxes.select(1, 3) - boxes.select(1, 1);
  return {boxes.select(1, 0) + 0.5 * width, boxes.select(1, 1) + 0.5 * height, width, height};
}

// Limits the growth of a side to a factor of 1000 / 16, so that exp() cannot overflow.
const double kMaxLogScale = std::log(1000.0 / 16);

// Where the loss turns from squares to distances (torchvision detection/rpn.py, roi_heads.py).
constexpr double kSmoothL1Beta = 1.0 / 9;

}  // namespace

at::Tensor BoxCoder::encode(const at::Tensor& boxes, const at::Tensor& references) const {
  const auto [wx, wy, ww, wh] = weights_;
  const auto box = center_form(boxes);
  const auto reference = center_form(references);
  return at::stack(
      {wx * (box.x - reference.x) / reference.width,
       wy * (box.y - reference.y) / reference.height,
       ww * at::log(box.width / reference.width),
       wh * at::log(box.height / reference.height)},
      /*dim=*/1);
}

at::Tensor BoxCoder::decode(const at::Tensor& offsets, const at::Tensor& references) const {
  const auto [wx, wy, ww, wh] = weights_;
  const auto reference = center_form(references.unsqueeze(-1));                  // [R,1] each
  const auto d = offsets.reshape({references.size(0), offsets.size(1) / 4, 4});  // [R,K,4]
  const auto x = d.select(2, 0) / wx * reference.width + reference.x;
  const auto y = d.select(2, 1) / wy * reference.height + reference.y;
  const auto half_width =
      0.5 * (at::exp((d.select(2, 2) / ww).clamp_max(kMaxLogScale)) * reference.width);
  const auto half_height =
      0.5 * (at::exp((d.select(2, 3) / wh).clamp_max(kMaxLogScale)) * reference.height);
  return at::stack({x - half_width, y - half_height, x + half_width, y + half_height}, /*dim=*/2);
}

at::Tensor BoxCoder::loss(
    const at::Tensor& offsets,
    const at::Tensor& boxes,
    const at::Tensor& references,
    int64_t count) const {
  const auto wanted = encode(boxes, references);
  return at::smooth_l1_loss(offsets, wanted, at::Reduction::Sum, kSmoothL1Beta) / count;
}

}  // namespace maskrcnn
