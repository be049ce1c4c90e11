#include "ops/roi_taps.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

#include "aten.h"

namespace maskrcnn::ops {

std::vector<Region> read_regions(
    const at::Tensor& rois,
    const at::Tensor& level_of,
    int64_t images,
    const RoiAlignOptions& options) {
  const auto rows = rois.detach().to(at::kFloat).contiguous();
  const auto levels = level_of.contiguous();
  const auto* roi = rows.const_data_ptr<float>();
  const auto* level = levels.const_data_ptr<int64_t>();
  std::vector<Region> regions(rows.size(0));
  for (auto& region : regions) {
    TORCH_CHECK(
        roi[0] >= 0 && roi[0] < static_cast<float>(images),
        "roi_align: the image of a roi must be in 0..",
        images - 1,
        ", got ",
        roi[0]);
    region.level = *level++;
    region.image = static_cast<int64_t>(roi[0]);
    const auto scale = static_cast<float>(options.spatial_scales.at(region.level));
    region.x = roi[1] * scale;
    region.y = roi[2] * scale;
    region.width = std::max(roi[3] * scale - region.x, 1.0f);
    region.height = std::max(roi[4] * scale - region.y, 1.0f);
    region.finite = std::all_of(roi + 1, roi + 5, [](float value) { return std::isfinite(value); });
    roi += 5;
  }
  return regions;
}

std::vector<int64_t> order_of_places(const std::vector<Region>& regions) {
  constexpr float kBand = 8;  // rows of a map
  const auto band_of = [](const Region& region) {
    const auto band = std::floor((region.y + region.height / 2) / kBand);
    return std::isnan(band) ? 0 : band;
  };
  const auto column_of = [](const Region& region) { return std::isnan(region.x) ? 0 : region.x; };
  std::vector<int64_t> order(regions.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](int64_t i) {
    const auto& region = regions[i];
    return std::tuple(region.image, region.level, band_of(region), column_of(region), i);
  });
  return order;
}

}  // namespace maskrcnn::ops
