#include "boxes/matcher.h"

namespace maskrcnn {

at::Tensor Matcher::match(const at::Tensor& iou) const {
  const auto [best_iou, best_instance] = iou.max(/*dim=*/0);  // [R]
  auto matches = best_instance.masked_fill(best_iou < high_threshold_, kIgnored)
                     .masked_fill_(best_iou < low_threshold_, kBackground);
  if (allow_low_quality_) {
    const auto highest = iou.amax(/*dim=*/1, /*keepdim=*/true);  // [G,1]
    const auto is_a_highest = (iou == highest).any(/*dim=*/0);   // [R]
    // The box is matched to the instance that it overlaps most. That can be another instance than
    // the one for which it is the best box.
    matches = at::where(is_a_highest, best_instance, matches);
  }
  return matches;
}

}  // namespace maskrcnn
