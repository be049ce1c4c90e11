#include "model/poolers.h"

#include <algorithm>
#include <cmath>

#include "boxes/boxes.h"
#include "ops/roi_align.h"

namespace maskrcnn {

namespace {

constexpr double kCanonicalScale = 224;  // side of ImageNet's crop, in pixels
constexpr double kCanonicalLevel = 4;    // a box of that side is pooled at stride 2^4

// The levels in `names`. Levels are called '0', '1', … and 'pool'.
std::vector<at::Tensor> named_levels(
    const std::vector<at::Tensor>& features, const std::vector<std::string>& names) {
  std::vector<at::Tensor> chosen;
  for (size_t level = 0; level < features.size(); ++level) {
    const auto name = level + 1 == features.size() ? std::string("pool") : std::to_string(level);
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      chosen.push_back(features[level]);
    }
  }
  TORCH_CHECK(!chosen.empty(), "none of the feature maps to pool from exists");
  return chosen;
}

// log2 of the map's size relative to the image, rounded to a whole number, because padding makes
// the true ratio inexact.
double infer_log2_scale(const at::Tensor& feature, int64_t image_height) {
  const auto ratio =
      static_cast<float>(static_cast<double>(feature.size(2)) / static_cast<double>(image_height));
  return std::nearbyint(std::log2(ratio));
}

// [R,5]: index of the image, then its box
at::Tensor to_rois(const std::vector<at::Tensor>& boxes) {
  std::vector<at::Tensor> rois;
  for (size_t image = 0; image < boxes.size(); ++image) {
    const auto index = boxes[image].new_full({boxes[image].size(0), 1}, static_cast<double>(image));
    rois.push_back(at::cat({index, boxes[image]}, /*dim=*/1));
  }
  return at::cat(rois);
}

}  // namespace

at::Tensor MultiScaleRoIAlign::pool(
    const std::vector<at::Tensor>& features,
    const std::vector<at::Tensor>& boxes,
    const std::vector<ImageSize>& sizes) const {
  const auto levels = named_levels(features, options_.featmap_names);
  const auto rois = to_rois(boxes);  // [R,5]
  int64_t height = 0;
  for (const auto& size : sizes) height = std::max(height, size.height);

  ops::RoiAlignOptions align{{}, options_.output_size, options_.sampling_ratio, format_};
  std::vector<double> log2_scales;
  for (const auto& feature : levels) {
    log2_scales.push_back(infer_log2_scale(feature, height));
    align.spatial_scales.push_back(std::exp2(log2_scales.back()));
  }
  const double k_min = -log2_scales.front(), k_max = -log2_scales.back();
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
