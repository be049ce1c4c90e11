#include <algorithm>
#include <numeric>

#include "evaluation/coco.h"

namespace maskrcnn::evaluation {
namespace {

bool outside(double area, const std::array<double, 2>& range) {
  return area < range[0] || area > range[1];
}

// The ground-truth objects of a cell for one area range.
struct Wanted {
  std::vector<uint8_t> ignored;  // [G]
  std::vector<size_t> order;     // [G] objects that are not ignored come first
};

Wanted wanted_of(const Truth& truth, const Cell& cell, const std::array<double, 2>& range) {
  Wanted wanted;
  for (const auto row : cell.truth) {
    wanted.ignored.push_back(truth.crowd[row] != 0 || outside(truth.areas[row], range) ? 1 : 0);
  }
  wanted.order.resize(cell.truth.size());
  std::iota(wanted.order.begin(), wanted.order.end(), 0);
  std::stable_partition(
      wanted.order.begin(), wanted.order.end(), [&](size_t g) { return wanted.ignored[g] == 0; });
  return wanted;
}

constexpr size_t kNone = static_cast<size_t>(-1);

}  // namespace

CellMatches match_cell(const DataSet& data, Cell cell, const CocoOptions& options) {
  auto& detected = cell.detected;
  std::stable_sort(detected.begin(), detected.end(), [&](int64_t a, int64_t b) {
    return data.detected.scores[a] > data.detected.scores[b];
  });
  const auto limit = static_cast<size_t>(options.limits.back());
  if (detected.size() > limit) detected.resize(limit);

  const auto [overlaps, areas] = compare(data, cell, options.shape);
  CellMatches matches;
  for (const auto row : detected) matches.scores.push_back(data.detected.scores[row]);
  const auto objects = cell.truth.size(), found = detected.size();
  matches.flags.resize(options.areas.size() * options.iou_thresholds.size() * found);
  auto* flags = matches.flags.data();
  std::vector<uint8_t> taken(objects);
  for (const auto& range : options.areas) {
    const auto [ignored, order] = wanted_of(data.truth, cell, range);
    matches.wanted.push_back(std::count(ignored.begin(), ignored.end(), 0));
    for (const double threshold : options.iou_thresholds) {
      std::fill(taken.begin(), taken.end(), 0);
      for (size_t d = 0; d < found; ++d) {
        // An overlap of 1 must be enough for a threshold of 1 (pycocotools, COCOeval.evaluateImg).
        double best_overlap = std::min(threshold, 1 - 1e-10);
        size_t best = kNone;
        for (const auto g : order) {
          if (taken[g] != 0 && data.truth.crowd[cell.truth[g]] == 0) continue;
          // An ignored object never replaces one that counts.
          if (best != kNone && ignored[best] == 0 && ignored[g] != 0) break;
          if (overlaps[d * objects + g] < best_overlap) continue;
          best_overlap = overlaps[d * objects + g];
          best = g;
        }
        if (best == kNone) {
          *flags++ = outside(areas[d], range) ? kIgnored : 0;
        } else {
          taken[best] = 1;
          *flags++ = ignored[best] != 0 ? kMatched | kIgnored : kMatched;
        }
      }
    }
  }
  return matches;
}

}  // namespace maskrcnn::evaluation
