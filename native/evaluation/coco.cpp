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

}  // namespace

CocoCurves evaluate_coco(const DataSet& data, const CocoOptions& options) {
  const auto classes = static_cast<size_t>(data.classes);
  const auto thresholds = options.iou_thresholds.size();
  const auto values = classes * options.areas.size() * options.limits.size() * thresholds;
  const auto points = options.recall_points.size();
  CocoCurves curves{
      std::vector<double>(values * points, -1),
      std::vector<double>(values * points, -1),
      std::vector<double>(values, -1)};
  const auto cells = cells_by_class(data);
  for (size_t k = 0; k < classes; ++k) {
    std::vector<const Cell*> given;
    for (const auto& [image, cell] : cells[k]) given.push_back(&cell);
    std::vector<CellMatches> matches(given.size());
    at::parallel_for(
        0, static_cast<int64_t>(given.size()), /*grain_size=*/16, [&](int64_t begin, int64_t end) {
          for (auto i = begin; i < end; ++i) matches[i] = match_cell(data, *given[i], options);
        });
    accumulate(matches, static_cast<int64_t>(k), data.classes, options, curves);
  }
  return curves;
}

}  // namespace maskrcnn::evaluation
