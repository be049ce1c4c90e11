#include "model/poolers.h"

#include <algorithm>
#include <cmath>

#include "boxes/boxes.h"
#include "ops/roi_align.h"

namespace maskrcnn {

namespace {

constexpr double kCanonicalScale = 224;  // side of ImageNet's crop, in pixels
constexpr double kCanonicalLevel = 4;    // a box of that side is pooled at stride 2^4

}  // namespace

at::Tensor to_rois(const std::vector<at::Tensor>& boxes) {
  std::vector<at::Tensor> rois;
  for (size_t image = 0; image < boxes.size(); ++image) {
    const auto index = boxes[image].new_full({boxes[image].size(0), 1}, static_cast<double>(image));
    rois.push_back(at::cat({index, boxes[image]}, /*dim=*/1));
  }
  return at::cat(rois);
}

MultiScaleRoIAlign::MultiScaleRoIAlign(
    const RoiPoolOptions& options, const std::vector<int64_t>& strides, at::MemoryFormat format)
    : output_size_(options.output_size), sampling_ratio_(options.sampling_ratio), format_(format) {
  for (size_t level = 0; level < strides.size(); ++level) {
    const auto name = level + 1 == strides.size() ? std::string("pool") : std::to_string(level);
    if (std::ranges::find(options.featmap_names, name) == options.featmap_names.end()) continue;
    levels_.push_back(level);
    log2_strides_.push_back(std::log2(static_cast<double>(strides[level])));
  }
  TORCH_CHECK(!levels_.empty(), "none of the feature maps to pool from exists");
}

at::Tensor MultiScaleRoIAlign::pool(
    const std::vector<at::Tensor>& features, const at::Tensor& rois) const {
  std::vector<at::Tensor> levels;
  ops::RoiAlignOptions align{{}, output_size_, sampling_ratio_, format_};
  for (size_t i = 0; i < levels_.size(); ++i) {
    levels.push_back(features[levels_[i]]);
    align.spatial_scales.push_back(std::exp2(-log2_strides_[i]));
  }
  const auto k_min = log2_strides_.front(), k_max = log2_strides_.back();
  const auto side = box_area(rois.slice(1, 1, 5)).sqrt();  // [R]
  // 1e-6 keeps boxes with exactly the canonical side on the canonical level.
  const auto box_level =
      (kCanonicalLevel + (side / kCanonicalScale).log2() + 1e-6).floor().clamp(k_min, k_max) -
      k_min;
  // Any level will do for NaN boxes: they pool to NaN on every level.
  const auto level_of = box_level.nan_to_num(0).to(at::kLong);
  return ops::roi_align(levels, rois, level_of, align);  // [R,C,S,S]
}

}  // namespace maskrcnn
