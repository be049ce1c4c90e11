#pragma once

#include <array>

#include "aten.h"

namespace maskrcnn {

// Encodes boxes as offsets from reference boxes, and decodes them (R-CNN, appendix C; torchvision
// detection/_utils.py):
//   dx = wx (gx - x) / w    dy = wy (gy - y) / h    dw = ww log(gw / w)    dh = wh log(gh / h)
class BoxCoder {
 public:
  explicit BoxCoder(const std::array<double, 4>& weights) : weights_(weights) {}

  // boxes, references: [R,4] -> offsets [R,4]
  at::Tensor encode(const at::Tensor& boxes, const at::Tensor& references) const;

  // offsets: [R,4K], references: [R,4] -> boxes [R,K,4]
  at::Tensor decode(const at::Tensor& offsets, const at::Tensor& references) const;

  // Sum of the smooth L1 losses of predicted offsets, divided by `count`. All [R,4] -> scalar.
  at::Tensor loss(
      const at::Tensor& offsets,
      const at::Tensor& boxes,
      const at::Tensor& references,
      int64_t count) const;

 private:
  std::array<double, 4> weights_;  // of dx, dy, dw, dh
};

}  // namespace maskrcnn
