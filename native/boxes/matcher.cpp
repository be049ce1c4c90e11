#include "boxes/matcher.h"

#include <algorithm>
#include <vector>

#include "boxes/best_overlaps.h"
#include "boxes/boxes.h"

namespace maskrcnn {

at::Tensor Matcher::match(const at::Tensor& instances, const at::Tensor& boxes) const {
  if (!boxes.is_cpu()) return match_by_operators(instances, boxes);
  const auto best = best_overlaps(instances, boxes, options_.allow_low_quality);
  // Compared in float32, as libtorch compares a tensor with a number.
  const auto high = static_cast<float>(options_.high_threshold);
  const auto low = static_cast<float>(options_.low_threshold);
  auto matches = at::empty({boxes.size(0)}, at::kLong);
  auto* const match = matches.mutable_data_ptr<int64_t>();
  for (size_t r = 0; r < best.iou.size(); ++r) {
    match[r] = best.iou[r] < low ? kBackground : best.iou[r] < high ? kIgnored : best.instance[r];
    // The box is matched to the instance that it overlaps most. That can be another instance than
    // the one for which it is the best box.
    if (options_.allow_low_quality && best.is_a_highest[r] != 0) match[r] = best.instance[r];
  }
  return matches;
}

at::Tensor Matcher::match_by_operators(
    const at::Tensor& instances, const at::Tensor& boxes, int64_t most_pairs) const {
  const auto [high, low, allow_low_quality] = options_;
  const auto blocks = boxes.split(std::max<int64_t>(1, most_pairs / instances.size(0)));
  std::vector<at::Tensor> best, found;
  at::Tensor iou, highest;  // [G,block], [G,1]
  for (const auto& block : blocks) {
    iou = box_iou(instances, block);
    const auto [best_iou, best_instance] = iou.max(/*dim=*/0);
    best.push_back(best_instance);
    found.push_back(best_instance.masked_fill(best_iou < high, kIgnored)
                        .masked_fill_(best_iou < low, kBackground));
    if (!allow_low_quality) continue;
    const auto highest_here = iou.amax(/*dim=*/1, /*keepdim=*/true);
    highest = highest.defined() ? at::maximum(highest, highest_here) : highest_here;
  }
  if (!allow_low_quality) return found.size() == 1 ? found.front() : at::cat(found);
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (blocks.size() > 1) iou = box_iou(instances, blocks[i]);
    const auto is_a_highest = (iou == highest).any(/*dim=*/0);  // [block]
    found[i] = at::where(is_a_highest, best[i], found[i]);
  }
  return found.size() == 1 ? found.front() : at::cat(found);
}

}  // namespace maskrcnn
