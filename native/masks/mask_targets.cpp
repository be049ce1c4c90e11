#include "masks/mask_targets.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "aten.h"
#include "kernels/axis_taps.h"

// Letters: G objects, R rois, M side of the mask head's output.

namespace maskrcnn::ops {
namespace {

struct CroppedMask {
  int64_t left, top, width, height;
  const uint8_t* bitmap;
};

std::vector<CroppedMask> read_crops(
    const at::Tensor& rects, const at::Tensor& data, int64_t height, int64_t width) {
  std::vector<CroppedMask> crops(rects.size(0));
  const auto* rect = rects.const_data_ptr<int32_t>();
  int64_t used = 0;
  for (auto& crop : crops) {
    crop = {rect[0], rect[1], rect[2], rect[3], data.const_data_ptr<uint8_t>() + used};
    TORCH_CHECK(
        crop.left >= 0 && crop.top >= 0 && crop.width >= 0 && crop.height >= 0 &&
            crop.left + crop.width <= width && crop.top + crop.height <= height,
        "mask_targets: a mask's rectangle must lie in the image of ",
        width,
        " x ",
        height,
        " pixels, got left ",
        crop.left,
        ", top ",
        crop.top,
        ", width ",
        crop.width,
        ", height ",
        crop.height);
    used += crop.width * crop.height;
    rect += 4;
  }
  TORCH_CHECK(
      used == data.numel(),
      "mask_targets: the rectangles hold ",
      used,
      " pixels, got bitmaps of ",
      data.numel());
  return crops;
}

// The original pixel for each resized pixel: interpolate(mode='nearest') with the scale in float32.
std::vector<int64_t> nearest_sources(int64_t resized, int64_t original) {
  const auto scale = static_cast<float>(original) / static_cast<float>(resized);
  std::vector<int64_t> sources(resized);
  for (int64_t i = 0; i < resized; ++i) {
    const auto source = static_cast<int64_t>(std::floor(static_cast<float>(i) * scale));
    sources[i] = std::min(source, original - 1);
  }
  return sources;
}

// Pools the mask of an object over a box. Reused across boxes, so its buffers are allocated once.
class MaskPooler {
 public:
  MaskPooler(
      const std::vector<int64_t>& source_rows,
      const std::vector<int64_t>& source_columns,
      int64_t side)
      : source_rows_(source_rows), source_columns_(source_columns), side_(side) {}

  void pool(const CroppedMask& crop, const float* box, float* target) {
    if (!std::all_of(box, box + 4, [](float value) { return std::isfinite(value); })) {
      std::fill_n(target, side_ * side_, std::numeric_limits<float>::quiet_NaN());
      return;
    }
    const float width = std::max(box[2] - box[0], 1.0f), height = std::max(box[3] - box[1], 1.0f);
    const auto columns = samples_per_cell(width, side_, /*sampling_ratio=*/0);
    const auto rows = samples_per_cell(height, side_, /*sampling_ratio=*/0);
    const auto in_crop = [](const std::vector<int64_t>& sources, int64_t first, int64_t count) {
      return [&sources, first, count](int64_t pixel) {
        const auto place = sources[pixel] - first;
        return place < count ? place : -1;  // negative if the pixel is before the crop
      };
    };
    x_.sample(
        box[0],
        width,
        side_,
        columns,
        static_cast<int64_t>(source_columns_.size()),
        in_crop(source_columns_, crop.left, crop.width));
    y_.sample(
        box[1],
        height,
        side_,
        rows,
        static_cast<int64_t>(source_rows_.size()),
        in_crop(source_rows_, crop.top, crop.height));

    const auto samples = static_cast<float>(rows * columns);
    int64_t summed_row = -1;
    for (int64_t i = 0; i < side_; ++i) {
      float* cells = target + i * side_;
      std::fill_n(cells, side_, 0.0f);
      for (const auto& row : y_.cell(i)) {
        if (row.index != summed_row) sum_row(crop, row.index);
        summed_row = row.index;
        for (int64_t j = 0; j < side_; ++j) cells[j] += row.weight * row_sums_[j];
      }
      for (int64_t j = 0; j < side_; ++j) cells[j] /= samples;
    }
  }

 private:
  // For each column of cells, the weighted sum of one row of the bitmap.
  void sum_row(const CroppedMask& crop, int64_t row) {
    const uint8_t* pixels = crop.bitmap + row * crop.width;
    row_sums_.assign(side_, 0.0f);
    for (int64_t j = 0; j < side_; ++j) {
      for (const auto& column : x_.cell(j)) {
        if (pixels[column.index] != 0) row_sums_[j] += column.weight;
      }
    }
  }

  const std::vector<int64_t>& source_rows_;
  const std::vector<int64_t>& source_columns_;
  const int64_t side_;
  AxisTaps x_, y_;
  std::vector<float> row_sums_;  // [M]
};

}  // namespace

at::Tensor mask_targets(
    const CroppedMasks& masks,
    int64_t height,
    int64_t width,
    int64_t resized_height,
    int64_t resized_width,
    const at::Tensor& boxes,
    const at::Tensor& matched,
    int64_t side) {
  TORCH_CHECK(
      height > 0 && width > 0 && resized_height > 0 && resized_width > 0 && side > 0,
      "mask_targets: sizes must be positive, got ",
      at::IntArrayRef({height, width, resized_height, resized_width, side}));
  TORCH_CHECK(
      boxes.dim() == 2 && boxes.size(1) == 4 && matched.dim() == 1 &&
          matched.size(0) == boxes.size(0),
      "mask_targets: boxes must be [R,4] and matched [R], got ",
      boxes.sizes(),
      " and ",
      matched.sizes());
  const auto rects = masks.rects.to(at::kInt).contiguous();  // [G,4]
  const auto data = masks.data.contiguous();
  const auto crops = read_crops(rects, data, height, width);
  const auto source_rows = nearest_sources(resized_height, height);
  const auto source_columns = nearest_sources(resized_width, width);

  const auto rois = boxes.detach().to(at::kFloat).contiguous();      // [R,4]
  const auto objects = matched.detach().to(at::kLong).contiguous();  // [R]
  const auto* box = rois.const_data_ptr<float>();
  const auto* object = objects.const_data_ptr<int64_t>();
  for (int64_t r = 0; r < rois.size(0); ++r) {
    TORCH_CHECK(
        object[r] >= 0 && object[r] < static_cast<int64_t>(crops.size()),
        "mask_targets: matched[",
        r,
        "] must be in 0..",
        static_cast<int64_t>(crops.size()) - 1,
        ", got ",
        object[r]);
  }

  auto targets = at::empty({rois.size(0), side, side}, at::kFloat);  // [R,M,M]
  auto* to = targets.mutable_data_ptr<float>();
  at::parallel_for(0, rois.size(0), /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    MaskPooler pooler(source_rows, source_columns, side);
    for (int64_t r = begin; r < end; ++r) {
      pooler.pool(crops[object[r]], box + 4 * r, to + r * side * side);
    }
  });
  return targets;
}

}  // namespace maskrcnn::ops
