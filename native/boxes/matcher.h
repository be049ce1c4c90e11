#pragma once

#include "aten.h"

namespace maskrcnn {

// Matches each of R boxes to one of G instances by IoU, or to none (Faster R-CNN, section 3.1.2;
// torchvision detection/_utils.py).
class Matcher {
 public:
  static constexpr int64_t kBackground = -1;  // IoU below the low threshold
  static constexpr int64_t kIgnored = -2;     // IoU between the thresholds

  // allow_low_quality: also matches the boxes that overlap an instance most, including ties, even
  // if their IoU is low.
  Matcher(double high_threshold, double low_threshold, bool allow_low_quality)
      : high_threshold_(high_threshold),
        low_threshold_(low_threshold),
        allow_low_quality_(allow_low_quality) {}

  // iou: [G,R] with G > 0 -> [R] i64: 0..G-1, kBackground or kIgnored
  at::Tensor match(const at::Tensor& iou) const;

 private:
  double high_threshold_;
  double low_threshold_;
  bool allow_low_quality_;
};

}  // namespace maskrcnn
