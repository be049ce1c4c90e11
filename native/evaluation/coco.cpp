#include "evaluation/coco.h"

#include <ATen/Parallel.h>

#include <map>

#include "aten.h"

namespace maskrcnn::evaluation {
namespace {

// Per class: the images that have objects or detections of it, in order of the images.
using Cells = std::map<int32_t, Cell>;

std::vector<Cells> cells_by_class(const DataSet& data) {
  std::vector<Cells> cells(data.classes);
  for (int64_t row = 0; row < data.truth.count(); ++row) {
    cells[data.truth.classes[row]][data.truth.images[row]].truth.push_back(row);
  }
  for (int64_t row = 0; row < data.detected.count(); ++row) {
    cells[data.detected.classes[row]][data.detected.images[row]].detected.push_back(row);
  }
  return cells;
}

// Adds the matches of a class in an image, of the first area range.
void add_matches(
    const CellMatches& cell, int32_t image, int32_t index, size_t thresholds, CocoMatches& all) {
  const auto found = cell.scores.size();
  for (size_t d = 0; d < found; ++d) {
    uint32_t matched = 0, ignored = 0;
    for (size_t t = 0; t < thresholds; ++t) {
      const uint32_t flags = cell.flags[t * found + d];
      if ((flags & kMatched) != 0) matched |= uint32_t{1} << t;
      if ((flags & kIgnored) != 0) ignored |= uint32_t{1} << t;
    }
    all.images.push_back(image);
    all.classes.push_back(index);
    all.scores.push_back(cell.scores[d]);
    all.matched.push_back(matched);
    all.ignored.push_back(ignored);
  }
  if (cell.wanted.front() == 0) return;
  all.wanted_images.push_back(image);
  all.wanted_classes.push_back(index);
  all.wanted.push_back(static_cast<int32_t>(cell.wanted.front()));
}

}  // namespace

CocoCurves evaluate_coco(const DataSet& data, const CocoOptions& options) {
  const auto classes = static_cast<size_t>(data.classes);
  const auto thresholds = options.iou_thresholds.size();
  const auto values = classes * options.areas.size() * options.limits.size() * thresholds;
  const auto points = options.recall_points.size();
  CocoCurves curves{
      std::vector<double>(values * points, -1),
      std::vector<double>(values * points, -1),
      std::vector<double>(values, -1),
      {}};
  const auto cells = cells_by_class(data);
  for (size_t k = 0; k < classes; ++k) {
    std::vector<const Cell*> given;
    std::vector<int32_t> images;
    for (const auto& [image, cell] : cells[k]) {
      images.push_back(image);
      given.push_back(&cell);
    }
    std::vector<CellMatches> matches(given.size());
    at::parallel_for(
        0, static_cast<int64_t>(given.size()), /*grain_size=*/16, [&](int64_t begin, int64_t end) {
          for (auto i = begin; i < end; ++i) matches[i] = match_cell(data, *given[i], options);
        });
    for (size_t i = 0; i < matches.size(); ++i) {
      add_matches(matches[i], images[i], static_cast<int32_t>(k), thresholds, curves.matches);
    }
    accumulate(matches, static_cast<int64_t>(k), data.classes, options, curves);
  }
  return curves;
}

}  // namespace maskrcnn::evaluation
