#include "boxes/anchors.h"

namespace maskrcnn {

namespace {

at::Tensor cell_anchors(
    const std::vector<double>& sizes, const std::vector<double>& aspect_ratios) {
  const auto scales = at::tensor(sizes, at::kFloat);
  const auto height_ratios = at::tensor(aspect_ratios, at::kFloat).sqrt();
  const auto widths = ((1 / height_ratios).unsqueeze(1) * scales).flatten();  // [ratios·sizes]
  const auto heights = (height_ratios.unsqueeze(1) * scales).flatten();
  return (at::stack({-widths, -heights, widths, heights}, /*dim=*/1) / 2).round();
}

}  // namespace

AnchorGenerator::AnchorGenerator(const AnchorOptions& options) {
  TORCH_CHECK(
      options.sizes.size() == options.aspect_ratios.size(),
      "anchor sizes and aspect ratios must have one list per feature level");
  for (size_t level = 0; level < options.sizes.size(); ++level) {
    const auto cells = cell_anchors(options.sizes[level], options.aspect_ratios[level]);
    if (level == 0) num_anchors_per_location_ = cells.size(0);
    cell_anchors_.emplace_back(cells);
  }
}

const std::vector<at::Tensor>& AnchorGenerator::generate(
    const std::vector<at::Tensor>& features, ImageSize padded) const {
  TORCH_CHECK(
      features.size() == cell_anchors_.size(),
      "the anchors are for ",
      cell_anchors_.size(),
      " feature levels, the backbone has ",
      features.size());
  Grid grid{{}, padded.height, padded.width, features.front().device()};
  for (const auto& feature : features) grid.levels.push_back({feature.size(2), feature.size(3)});
  if (grid == grid_) return anchors_;
  anchors_.clear();
  for (size_t level = 0; level < features.size(); ++level) {
    const auto& feature = features[level];
    const auto rows = feature.size(2), columns = feature.size(3);
    const auto options = feature.options().dtype(at::kFloat);
    const auto y = at::arange(rows, options) * static_cast<double>(padded.height / rows);
    const auto x = at::arange(columns, options) * static_cast<double>(padded.width / columns);
    const auto grid = at::meshgrid({y, x}, "ij");
    const auto shift_y = grid[0].flatten(), shift_x = grid[1].flatten();             // [H·W]
    const auto shifts = at::stack({shift_x, shift_y, shift_x, shift_y}, /*dim=*/1);  // [H·W,4]
    const auto& cells = cell_anchors_[level].on(feature.device());                   // [A,4]
    anchors_.push_back((shifts.unsqueeze(1) + cells.unsqueeze(0)).reshape({-1, 4}));
  }
  grid_ = grid;
  return anchors_;
}

}  // namespace maskrcnn
