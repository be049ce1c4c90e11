#include "ops/nms.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>
#include <vector>

#include "aten.h"
#include "kernels/target_clones.h"
#include "ops/torchvision.h"

// Letters: D boxes.

namespace maskrcnn::ops {
namespace {

// torchvision ops/boxes.py, batched_nms. If `boxes` has more numbers than this, a loop over the
// classes is faster than shifting the classes apart. The limit also matters for parity, because the
// shift rounds the boxes.
constexpr int64_t kMovedApartLimitCpu = 4000, kMovedApartLimitCuda = 100000;

void check_arguments(const at::Tensor& boxes, const at::Tensor& scores) {
  TORCH_CHECK(
      boxes.dim() == 2 && boxes.size(1) == 4, "nms: the boxes must be [D,4], got ", boxes.sizes());
  TORCH_CHECK(
      scores.dim() == 1 && scores.size(0) == boxes.size(0),
      "nms: there must be a score for each of the ",
      boxes.size(0),
      " boxes, got ",
      scores.sizes());
  TORCH_CHECK(
      !boxes.is_cpu() || boxes.scalar_type() == at::kFloat,
      "nms: the boxes must be float32 on the CPU, got ",
      boxes.scalar_type());
}

// Boxes in descending order of score, one vector per coordinate.
struct SortedBoxes {
  SortedBoxes(const float* boxes, at::ArrayRef<int64_t> order) {
    for (const auto d : order) {
      const float* box = boxes + 4 * d;
      x0.push_back(box[0]);
      y0.push_back(box[1]);
      x1.push_back(box[2]);
      y1.push_back(box[3]);
      area.push_back((box[2] - box[0]) * (box[3] - box[1]));
    }
  }
  std::vector<float> x0, y0, x1, y1, area;
};

// Marks the boxes begin..end-1 whose IoU with box `kept` is above the threshold. There is no clone
// with fused multiply-add: the IoU must round as torchvision's does, otherwise detections at the
// threshold would change.
MASKRCNN_TARGET_CLONES("default", "avx2")
void mark_overlapping(
    const float* __restrict x0,
    const float* __restrict y0,
    const float* __restrict x1,
    const float* __restrict y1,
    const float* __restrict area,
    int64_t kept,
    int64_t begin,
    int64_t end,
    float threshold,
    int32_t* __restrict suppressed) {
  const float kept_x0 = x0[kept], kept_y0 = y0[kept];
  const float kept_x1 = x1[kept], kept_y1 = y1[kept], kept_area = area[kept];
  for (int64_t d = begin; d < end; ++d) {
    const float left = kept_x0 < x0[d] ? x0[d] : kept_x0;
    const float top = kept_y0 < y0[d] ? y0[d] : kept_y0;
    const float right = kept_x1 < x1[d] ? kept_x1 : x1[d];
    const float bottom = kept_y1 < y1[d] ? kept_y1 : y1[d];
    const float width = right - left > 0.0f ? right - left : 0.0f;
    const float height = bottom - top > 0.0f ? bottom - top : 0.0f;
    const float shared = width * height;
    const float iou = shared / (kept_area + area[d] - shared);
    suppressed[d] |= iou > threshold ? 1 : 0;
  }
}

// The largest float32 that is not above `threshold`. A float32 IoU exceeds this value exactly if it
// exceeds `threshold`, so the comparison can stay in float32.
float round_down(double threshold) {
  const auto nearest = static_cast<float>(threshold);
  if (static_cast<double>(nearest) <= threshold) return nearest;
  return std::nextafter(nearest, -std::numeric_limits<float>::infinity());
}

// Sets keep[d] for the boxes in `order` that survive. `order` is sorted by descending score.
void keep_survivors(
    const float* boxes, at::ArrayRef<int64_t> order, double iou_threshold, uint8_t* keep) {
  const SortedBoxes sorted(boxes, order);
  const auto count = static_cast<int64_t>(order.size());
  const auto threshold = round_down(iou_threshold);
  std::vector<int32_t> suppressed(count, 0);
  for (int64_t d = 0; d < count; ++d) {
    if (suppressed[d]) continue;
    keep[order[d]] = 1;
    mark_overlapping(
        sorted.x0.data(),
        sorted.y0.data(),
        sorted.x1.data(),
        sorted.y1.data(),
        sorted.area.data(),
        /*kept=*/d,
        /*begin=*/d + 1,
        /*end=*/count,
        threshold,
        suppressed.data());
  }
}

// Suppresses within each group of `groups`. If `groups` is undefined, all boxes are one group.
at::Tensor nms_cpu(
    const at::Tensor& boxes,
    const at::Tensor& scores,
    const at::Tensor& groups,
    double iou_threshold) {
  const auto coordinates = boxes.detach().contiguous();
  const auto order = scores.detach().argsort(/*stable=*/true, /*dim=*/0, /*descending=*/true);
  const at::ArrayRef<int64_t> by_score(order.const_data_ptr<int64_t>(), order.numel());

  std::vector<std::vector<int64_t>> members;
  if (groups.defined()) {
    const auto of_box = groups.to(at::kLong).contiguous();
    const auto* group = of_box.const_data_ptr<int64_t>();
    std::unordered_map<int64_t, size_t> places;
    for (const auto d : by_score) {
      const auto place = places.try_emplace(group[d], members.size()).first->second;
      if (place == members.size()) members.emplace_back();
      members[place].push_back(d);
    }
  } else {
    members.push_back(by_score.vec());
  }

  std::vector<uint8_t> keep(by_score.size(), 0);
  const auto* from = coordinates.const_data_ptr<float>();
  at::parallel_for(
      0,
      static_cast<int64_t>(members.size()),
      /*grain_size=*/1,
      [&](int64_t begin, int64_t end) {
        for (int64_t g = begin; g < end; ++g) {
          keep_survivors(from, members[g], iou_threshold, keep.data());
        }
      });

  std::vector<int64_t> kept;
  for (const auto d : by_score) {
    if (keep[d]) kept.push_back(d);
  }
  return at::tensor(kept, at::kLong);
}

}  // namespace

at::Tensor nms(const at::Tensor& boxes, const at::Tensor& scores, double iou_threshold) {
  check_arguments(boxes, scores);
  if (!boxes.is_cpu()) return torchvision::nms(boxes, scores, iou_threshold);
  return nms_cpu(boxes, scores, /*groups=*/{}, iou_threshold);
}

at::Tensor batched_nms(
    const at::Tensor& boxes,
    const at::Tensor& scores,
    const at::Tensor& idxs,
    double iou_threshold) {
  check_arguments(boxes, scores);
  TORCH_CHECK(
      idxs.dim() == 1 && idxs.size(0) == boxes.size(0),
      "batched_nms: there must be an index for each of the ",
      boxes.size(0),
      " boxes, got ",
      idxs.sizes());
  if (boxes.numel() == 0) return at::empty({0}, boxes.options().dtype(at::kLong));
  const auto moved_apart_limit = boxes.is_cpu() ? kMovedApartLimitCpu : kMovedApartLimitCuda;
  if (boxes.numel() <= moved_apart_limit) {
    const auto offsets = idxs.to(boxes.scalar_type()) * (boxes.max() + 1);  // [D]
    return nms(boxes + offsets.unsqueeze(1), scores, iou_threshold);
  }
  if (boxes.is_cpu()) return nms_cpu(boxes, scores, idxs, iou_threshold);

  auto keep = at::zeros_like(scores, scores.options().dtype(at::kBool));  // [D]
  for (const auto& group : std::get<0>(at::_unique(idxs)).unbind()) {
    const auto members = (idxs == group).nonzero().squeeze(1);
    const auto kept = torchvision::nms(
        boxes.index_select(0, members), scores.index_select(0, members), iou_threshold);
    keep.index_fill_(0, members.index_select(0, kept), true);
  }
  const auto kept = keep.nonzero().squeeze(1);
  const auto order = scores.index_select(0, kept).argsort(
      /*stable=*/true, /*dim=*/0, /*descending=*/true);
  return kept.index_select(0, order);
}

}  // namespace maskrcnn::ops
