#include "evaluation/confusion.h"

#include <algorithm>
#include <tuple>

namespace maskrcnn::evaluation {
namespace {

struct Pair {
  double overlap;
  size_t detected, truth;
};

// The pairs with enough overlap, best first. Ties are ordered by the score of the detection.
std::vector<Pair> candidates(
    const DataSet& data, const Cell& cell, const ConfusionOptions& options) {
  const auto overlaps = compare(data, cell, options.shape, options.iou_threshold).overlaps;
  std::vector<Pair> pairs;
  for (size_t d = 0; d < overlaps.size(); ++d) {
    for (const auto& [truth, value] : overlaps[d]) pairs.push_back({value, d, truth});
  }
  std::stable_sort(pairs.begin(), pairs.end(), [&](const Pair& a, const Pair& b) {
    const auto score = [&](const Pair& pair) {
      return data.detected.scores[cell.detected[pair.detected]];
    };
    return std::make_tuple(a.overlap, score(a)) > std::make_tuple(b.overlap, score(b));
  });
  return pairs;
}

}  // namespace

std::vector<int32_t> confusion_matrix(const DataSet& data, const ConfusionOptions& options) {
  const auto background = data.classes, side = data.classes + 1;
  std::vector<int32_t> counts(side * side);
  std::vector<Cell> images(data.sizes.size() / 2);
  for (int64_t row = 0; row < data.truth.count(); ++row) {
    images[data.truth.images[row]].truth.push_back(row);
  }
  for (int64_t row = 0; row < data.detected.count(); ++row) {
    if (data.detected.scores[row] > options.score_threshold) {
      images[data.detected.images[row]].detected.push_back(row);
    }
  }
  for (const auto& cell : images) {
    std::vector<uint8_t> used(cell.detected.size()), found(cell.truth.size()), excused(used);
    for (const auto& [overlap, d, g] : candidates(data, cell, options)) {
      const auto true_row = cell.truth[g];
      if (data.truth.crowd[true_row] != 0) {
        excused[d] = 1;
      } else if (used[d] == 0 && found[g] == 0) {
        used[d] = found[g] = 1;
        ++counts[data.truth.classes[true_row] * side + data.detected.classes[cell.detected[d]]];
      }
    }
    for (size_t d = 0; d < used.size(); ++d) {
      if (used[d] == 0 && excused[d] == 0) {
        ++counts[background * side + data.detected.classes[cell.detected[d]]];
      }
    }
    for (size_t g = 0; g < found.size(); ++g) {
      const auto row = cell.truth[g];
      if (found[g] == 0 && data.truth.crowd[row] == 0) {
        ++counts[data.truth.classes[row] * side + background];
      }
    }
  }
  return counts;
}

}  // namespace maskrcnn::evaluation
