#include "evaluation/overlaps.h"

#include <algorithm>
#include <array>
#include <numeric>

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

int64_t shared_area(const MeasuredMask& a, const MeasuredMask& b) {
  return a.may_meet(b) ? ops::shared_area(a.runs, b.runs) : 0;
}

double mask_overlap(const MeasuredMask& detected, const MeasuredMask& truth, bool crowd) {
  const auto shared = shared_area(detected, truth);
  if (shared == 0) return 0;
  const auto whole = crowd ? detected.area : detected.area + truth.area - shared;
  return static_cast<double>(shared) / static_cast<double>(whole);
}

// The objects that a detection may meet along the x axis.
class Columns {
 public:
  explicit Columns(const std::vector<std::array<double, 2>>& spans /*left, width*/)
      : spans_(spans), by_left_(spans.size()) {
    std::iota(by_left_.begin(), by_left_.end(), size_t{0});
    std::sort(by_left_.begin(), by_left_.end(), [&](size_t a, size_t b) {
      return spans_[a][0] < spans_[b][0];
    });
    for (const auto& [left, width] : spans_) widest_ = std::max(widest_, width);
  }

  // In their order. At most a pixel too far away.
  std::vector<size_t> near(double left, double width) const {
    const auto begin = std::partition_point(by_left_.begin(), by_left_.end(), [&](size_t g) {
      return spans_[g][0] < left - widest_ - 1;
    });
    const auto end = std::partition_point(begin, by_left_.end(), [&](size_t g) {
      return spans_[g][0] <= left + std::max(width, 0.0) + 1;
    });
    std::vector<size_t> found(begin, end);
    std::sort(found.begin(), found.end());
    return found;
  }

 private:
  std::vector<std::array<double, 2>> spans_;
  std::vector<size_t> by_left_;
  double widest_ = 0;
};

std::array<double, 2> columns_of(const double* box) {
  return {box[0], box[2]};
}

std::array<double, 2> columns_of(const MeasuredMask& mask) {
  return {static_cast<double>(mask.box[0]), static_cast<double>(mask.box[2])};
}

template <typename Item, typename Measure>
Overlaps overlaps_of(
    const std::vector<Item>& detected,
    const std::vector<Item>& truth,
    const uint8_t* crowd,
    double least,
    Measure measure) {
  std::vector<std::array<double, 2>> spans;
  for (const auto& object : truth) spans.push_back(columns_of(object));
  const Columns columns(spans);
  std::vector<size_t> all(truth.size());
  std::iota(all.begin(), all.end(), size_t{0});
  Overlaps overlaps;
  for (const auto& found : detected) {
    const auto [left, width] = columns_of(found);
    auto& row = overlaps.emplace_back();
    // Even objects that do not meet overlap by 0.
    for (const auto g : least > 0 ? columns.near(left, width) : all) {
      const auto value = measure(found, truth[g], crowd[g] != 0);
      if (value >= least) row.push_back({g, value});
    }
  }
  return overlaps;
}

}  // namespace

Overlaps box_overlaps(
    const std::vector<const double*>& detected,
    const std::vector<const double*>& truth,
    const uint8_t* crowd,
    double least) {
  return overlaps_of(detected, truth, crowd, least, box_overlap);
}

Overlaps mask_overlaps(
    const std::vector<ops::Runs>& detected,
    const std::vector<ops::Runs>& truth,
    const uint8_t* crowd,
    double least) {
  const std::vector<MeasuredMask> measured(detected.begin(), detected.end());
  const std::vector<MeasuredMask> true_masks(truth.begin(), truth.end());
  return overlaps_of(measured, true_masks, crowd, least, mask_overlap);
}

Overlaps shared_pixels(const std::vector<ops::Runs>& masks, const std::vector<ops::Runs>& others) {
  const std::vector<MeasuredMask> measured(masks.begin(), masks.end());
  const std::vector<MeasuredMask> measured_others(others.begin(), others.end());
  const std::vector<uint8_t> no_crowd(others.size());
  const auto pixels = [](const MeasuredMask& a, const MeasuredMask& b, bool) {
    return static_cast<double>(shared_area(a, b));
  };
  return overlaps_of(measured, measured_others, no_crowd.data(), /*least=*/1, pixels);
}

}  // namespace maskrcnn::evaluation
