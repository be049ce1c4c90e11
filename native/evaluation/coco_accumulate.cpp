#include <algorithm>
#include <limits>
#include <numeric>

#include "evaluation/coco.h"

namespace maskrcnn::evaluation {
namespace {

// A detection within the limit of detections per image.
struct Ranked {
  double score;
  size_t cell;
  size_t rank;  // within its cell
};

std::vector<Ranked> rank(const std::vector<CellMatches>& cells, int64_t limit) {
  std::vector<Ranked> ranked;
  for (size_t cell = 0; cell < cells.size(); ++cell) {
    const auto& scores = cells[cell].scores;
    for (size_t i = 0; i < scores.size() && i < static_cast<size_t>(limit); ++i) {
      ranked.push_back({scores[i], cell, i});
    }
  }
  std::stable_sort(ranked.begin(), ranked.end(), [](const Ranked& a, const Ranked& b) {
    return a.score > b.score;
  });
  return ranked;
}

// Precision and recall after each detection, best first.
struct Curve {
  std::vector<double> precision, recall;

  Curve(
      const std::vector<CellMatches>& cells,
      const std::vector<Ranked>& ranked,
      size_t row,  // of the flags: area range and threshold
      double wanted) {
    precision.reserve(ranked.size());
    recall.reserve(ranked.size());
    double right = 0, wrong = 0;
    for (const auto& [score, cell, rank] : ranked) {
      const auto& matches = cells[cell];
      const auto flags = matches.flags[row * matches.scores.size() + rank];
      if ((flags & kIgnored) == 0) (flags & kMatched) != 0 ? ++right : ++wrong;
      recall.push_back(right / wanted);
      precision.push_back(right / (wrong + right + std::numeric_limits<double>::epsilon()));
    }
    // Each precision becomes the maximum of the precisions at this recall and at higher ones.
    for (size_t i = precision.size(); i-- > 1;) {
      precision[i - 1] = std::max(precision[i - 1], precision[i]);
    }
  }
};

}  // namespace

void accumulate(
    const std::vector<CellMatches>& cells,
    int64_t index,
    int64_t classes,
    const CocoOptions& options,
    CocoCurves& curves) {
  const auto thresholds = options.iou_thresholds.size(), points = options.recall_points.size();
  const auto areas = options.areas.size(), limits = options.limits.size();
  for (size_t m = 0; m < limits; ++m) {
    const auto ranked = rank(cells, options.limits[m]);
    for (size_t a = 0; a < areas; ++a) {
      int64_t wanted = 0;
      for (const auto& cell : cells) wanted += cell.wanted[a];
      if (wanted == 0) continue;
      for (size_t t = 0; t < thresholds; ++t) {
        const Curve curve(cells, ranked, a * thresholds + t, static_cast<double>(wanted));
        const auto at = [&](size_t row) {
          return ((row * classes + index) * areas + a) * limits + m;
        };
        curves.recall[at(t)] = curve.recall.empty() ? 0 : curve.recall.back();
        for (size_t p = 0; p < points; ++p) {
          const auto reached =
              std::lower_bound(curve.recall.begin(), curve.recall.end(), options.recall_points[p]);
          const bool never = reached == curve.recall.end();
          const auto i = reached - curve.recall.begin();
          curves.precision[at(t * points + p)] = never ? 0 : curve.precision[i];
          curves.scores[at(t * points + p)] = never ? 0 : ranked[i].score;
        }
      }
    }
  }
}

}  // namespace maskrcnn::evaluation
