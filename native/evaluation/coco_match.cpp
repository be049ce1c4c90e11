#include <algorithm>
#include <utility>

#include "evaluation/coco.h"

namespace maskrcnn::evaluation {
namespace {

bool outside(double area, const std::array<double, 2>& range) {
  return area < range[0] || area > range[1];
}

// Which ground-truth objects of a cell do not count for one area range, [G].
std::vector<uint8_t> ignored_of(
    const Truth& truth, const Cell& cell, const std::array<double, 2>& range) {
  std::vector<uint8_t> ignored;
  for (const auto row : cell.truth) {
    ignored.push_back(truth.crowd[row] != 0 || outside(truth.areas[row], range) ? 1 : 0);
  }
  return ignored;
}

// An overlap of 1 must be enough for a threshold of 1 (pycocotools, COCOeval.evaluateImg).
double least_overlap(double threshold) {
  return std::min(threshold, 1 - 1e-10);
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

  double least = 1;
  for (const auto threshold : options.iou_thresholds) {
    least = std::min(least, least_overlap(threshold));
  }
  auto [overlaps, areas] = compare(data, cell, options.shape, least);
  CellMatches matches;
  for (const auto row : detected) matches.scores.push_back(data.detected.scores[row]);
  const auto objects = cell.truth.size(), found = detected.size();
  matches.flags.resize(options.areas.size() * options.iou_thresholds.size() * found);
  auto* flags = matches.flags.data();
  std::vector<uint8_t> taken(objects);
  for (const auto& range : options.areas) {
    const auto ignored = ignored_of(data.truth, cell, range);
    // Objects that are not ignored come first, then in their order.
    for (auto& row : overlaps) {
      std::sort(row.begin(), row.end(), [&](const Overlap& a, const Overlap& b) {
        return std::make_pair(ignored[a.truth], a.truth) <
               std::make_pair(ignored[b.truth], b.truth);
      });
    }
    matches.wanted.push_back(std::count(ignored.begin(), ignored.end(), 0));
    for (const double threshold : options.iou_thresholds) {
      std::fill(taken.begin(), taken.end(), 0);
      for (size_t d = 0; d < found; ++d) {
        double best_overlap = least_overlap(threshold);
        size_t best = kNone;
        for (const auto& [g, overlap] : overlaps[d]) {
          if (taken[g] != 0 && data.truth.crowd[cell.truth[g]] == 0) continue;
          // An ignored object never replaces one that counts.
          if (best != kNone && ignored[best] == 0 && ignored[g] != 0) break;
          if (overlap < best_overlap) continue;
          best_overlap = overlap;
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
