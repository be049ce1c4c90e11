#include "evaluation/overlaps.h"

#include <algorithm>
#include <array>

namespace maskrcnn::evaluation {
namespace {

// Same order of operations as in cocoapi.
double box_overlap(const double* detected, const double* truth, bool crowd) {
  const double width =
      std::min(detected[2] + detected[0], truth[2] + truth[0]) - std::max(detected[0], truth[0]);
  if (width <= 0) return 0;
  const double height =
      std::min(detected[3] + detected[1], truth[3] + truth[1]) - std::max(detected[1], truth[1]);
  if (height <= 0) return 0;
  const double shared = width * height;
  const double area = detected[2] * detected[3];
  return shared / (crowd ? area : area + truth[2] * truth[3] - shared);
}

struct MeasuredMask {
  const ops::Runs& runs;
  std::array<int64_t, 4> box;  // left, top, width, height
  int64_t area;

  explicit MeasuredMask(const ops::Runs& given)
      : runs(given), box(ops::box_of(given)), area(ops::area_of(given)) {}

  bool may_meet(const MeasuredMask& other) const {
    return box[0] < other.box[0] + other.box[2] && other.box[0] < box[0] + box[2] &&
           box[1] < other.box[1] + other.box[3] && other.box[1] < box[1] + box[3];
  }
};

double mask_overlap(const MeasuredMask& detected, const MeasuredMask& truth, bool crowd) {
  if (!detected.may_meet(truth)) return 0;
  const auto shared = ops::shared_area(detected.runs, truth.runs);
  if (shared == 0) return 0;
  const auto whole = crowd ? detected.area : detected.area + truth.area - shared;
  return static_cast<double>(shared) / static_cast<double>(whole);
}

template <typename Item, typename Overlap>
std::vector<double> all_pairs(
    const std::vector<Item>& detected,
    const std::vector<Item>& truth,
    const uint8_t* crowd,
    Overlap overlap) {
  std::vector<double> overlaps;
  overlaps.reserve(detected.size() * truth.size());
  for (const auto& found : detected) {
    for (size_t g = 0; g < truth.size(); ++g) {
      overlaps.push_back(overlap(found, truth[g], crowd[g] != 0));
    }
  }
  return overlaps;
}

}  // namespace

std::vector<double> box_overlaps(
    const std::vector<const double*>& detected,
    const std::vector<const double*>& truth,
    const uint8_t* crowd) {
  return all_pairs(detected, truth, crowd, box_overlap);
}

std::vector<double> mask_overlaps(
    const std::vector<ops::Runs>& detected,
    const std::vector<ops::Runs>& truth,
    const uint8_t* crowd) {
  const std::vector<MeasuredMask> measured(detected.begin(), detected.end());
  const std::vector<MeasuredMask> true_masks(truth.begin(), truth.end());
  return all_pairs(measured, true_masks, crowd, mask_overlap);
}

}  // namespace maskrcnn::evaluation
