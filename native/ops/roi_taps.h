#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "kernels/axis_taps.h"
#include "ops/roi_align.h"

namespace maskrcnn::ops {

// The shape of a channels-last map of a feature pyramid.
struct LevelShape {
  int64_t images, channels, height, width;
  int64_t image_size() const { return channels * height * width; }
};

// The position of a roi on the map of its level.
struct Region {
  int64_t level, image;
  bool finite;
  float x, y, width, height;  // pixels of the map
};

std::vector<Region> read_regions(
    const at::Tensor& rois,
    const at::Tensor& level_of,
    int64_t images,
    const RoiAlignOptions& options);

// The regions in an order in which neighbours in a map follow each other, so that many of a
// region's pixels are still in the cache of a core.
std::vector<int64_t> order_of_places(const std::vector<Region>& regions);

// A pixel of a map, given by the offset of its first channel, and its weight in the mean of a cell.
struct CellTap {
  int64_t offset;
  float weight;
};

// Computes the taps of every cell of a region. Reused across regions, so its buffers are allocated
// once.
class CellSampler {
 public:
  explicit CellSampler(const RoiAlignOptions& options)
      : cells_(options.output_size), sampling_ratio_(options.sampling_ratio) {}

  // Calls visit(index of the cell, its taps) in row-major order.
  template <typename Visit>
  void visit_cells(const Region& region, const LevelShape& shape, Visit visit) {
    const auto rows = samples_per_cell(region.height, cells_, sampling_ratio_);
    const auto columns = samples_per_cell(region.width, cells_, sampling_ratio_);
    const auto as_is = [](int64_t index) { return index; };
    y_.sample(region.y, region.height, cells_, rows, shape.height, as_is);
    x_.sample(region.x, region.width, cells_, columns, shape.width, as_is);
    const auto samples = static_cast<float>(rows * columns);
    for (int64_t i = 0; i < cells_; ++i) {
      for (int64_t j = 0; j < cells_; ++j) {
        taps_.clear();
        for (const auto& row : y_.cell(i)) {
          for (const auto& column : x_.cell(j)) {
            taps_.push_back(
                {(row.index * shape.width + column.index) * shape.channels,
                 row.weight * column.weight / samples});
          }
        }
        visit(i * cells_ + j, c10::ArrayRef<CellTap>(taps_));
      }
    }
  }

 private:
  const int64_t cells_, sampling_ratio_;
  AxisTaps y_, x_;
  std::vector<CellTap> taps_;
};

}  // namespace maskrcnn::ops
