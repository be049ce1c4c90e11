#pragma once

#include "aten.h"

namespace maskrcnn {

struct MatchingOptions {
  double high_threshold;
  double low_threshold;
  // Also match the boxes that overlap an instance most, including ties, even if their IoU is low.
  bool allow_low_quality;
};

// Matches each of R boxes to one of G instances by IoU, or to none (Faster R-CNN, section 3.1.2;
// torchvision detection/_utils.py). The IoU of all pairs is never in memory at once: 3000 instances
// and the 65,000 anchors of a small image would take gigabytes.
class Matcher {
 public:
  static constexpr int64_t kBackground = -1;  // IoU below the low threshold
  static constexpr int64_t kIgnored = -2;     // IoU between the thresholds

  explicit Matcher(const MatchingOptions& options) : options_(options) {}

  // instances: [G,4] with G > 0, boxes: [R,4] -> [R] i64: 0..G-1, kBackground or kIgnored
  at::Tensor match(const at::Tensor& instances, const at::Tensor& boxes) const;

  // The same by libtorch's operators, as a GPU computes it. At most `most_pairs` are compared at
  // once; the result does not depend on it.
  at::Tensor match_by_operators(
      const at::Tensor& instances,
      const at::Tensor& boxes,
      int64_t most_pairs = int64_t{1} << 24) const;

 private:
  MatchingOptions options_;
};

}  // namespace maskrcnn
