#include "ops/roi_align.h"

#include "aten.h"
#include "ops/differentiable.h"
#include "ops/roi_align_cpu.h"
#include "ops/torchvision.h"

namespace maskrcnn::ops {
namespace {

// Pools from all levels in one call, so that the results need no reordering.
at::Tensor align_on_cpu(
    at::TensorList levels,
    const at::Tensor& rois,
    const at::Tensor& level_of,
    const RoiAlignOptions& options) {
  std::vector<std::vector<int64_t>> sizes;
  for (const auto& level : levels) sizes.push_back(level.sizes().vec());
  return differentiable(
      levels,
      /*saved=*/{rois, level_of},
      [&] { return roi_align_cpu(levels, rois, level_of, options); },
      [sizes, options](const Backward& pass) {
        return roi_align_backward_cpu(pass.grad, pass.saved[0], pass.saved[1], sizes, options);
      });
}

at::Tensor align_level_on_gpu(
    const at::Tensor& input,
    const at::Tensor& rois,
    double scale,
    int64_t output_size,
    int64_t sampling_ratio) {
  return differentiable(
      {input},
      /*saved=*/{rois},
      [&] { return torchvision::roi_align(input, rois, scale, output_size, sampling_ratio); },
      [=, sizes = input.sizes().vec()](const Backward& pass) -> std::vector<at::Tensor> {
        return {torchvision::roi_align_backward(
            pass.grad, pass.saved[0], sizes, scale, output_size, sampling_ratio)};
      });
}

at::Tensor align_on_gpu(
    at::TensorList levels,
    const at::Tensor& rois,
    const at::Tensor& level_of,
    const RoiAlignOptions& options) {
  const auto maps = to_pool_from(levels);
  const auto align = [&](size_t level, const at::Tensor& some) {
    return align_level_on_gpu(
        maps[level],
        some,
        options.spatial_scales[level],
        options.output_size,
        options.sampling_ratio);
  };
  if (levels.size() == 1 || rois.size(0) == 0) return align(0, rois);
  // Pools level by level. The only wait is for the number of rois per level.
  const auto order = level_of.argsort();
  const auto by_level = rois.index_select(0, order);
  const auto numbers = at::arange(static_cast<int64_t>(levels.size()), level_of.options());
  const auto counts = (level_of.unsqueeze(1) == numbers).sum(0).to(at::kCPU);  // [L]
  std::vector<at::Tensor> pooled;
  int64_t first = 0;
  for (size_t level = 0; level < levels.size(); ++level) {
    const auto count = counts.const_data_ptr<int64_t>()[level];
    if (count > 0) pooled.push_back(align(level, by_level.narrow(0, first, count)));
    first += count;
  }
  const auto places =
      at::empty_like(order).scatter_(0, order, at::arange(order.size(0), order.options()));
  return at::cat(pooled).index_select(0, places);
}

}  // namespace

std::vector<at::Tensor> to_pool_from(at::TensorList levels) {
  std::vector<at::Tensor> maps;
  for (const auto& level : levels)
    maps.push_back(level.is_cpu() ? level : level.to(at::kFloat).contiguous());
  return maps;
}

at::Tensor roi_align(
    at::TensorList levels,
    const at::Tensor& rois,
    const at::Tensor& level_of,
    const RoiAlignOptions& options) {
  TORCH_CHECK(
      !levels.empty() && levels.size() == options.spatial_scales.size(),
      "roi_align: each level needs a scale, got ",
      levels.size(),
      " levels and ",
      options.spatial_scales.size(),
      " scales");
  const auto& first = levels.front();
  for (const auto& level : levels) {
    TORCH_CHECK(
        level.dim() == 4 && level.numel() > 0 && level.size(0) == first.size(0) &&
            level.size(1) == first.size(1) && level.scalar_type() == first.scalar_type(),
        "roi_align: the levels must be [N,C,H,W], of one type and not empty, got ",
        level.sizes());
  }
  TORCH_CHECK(
      rois.dim() == 2 && rois.size(1) == 5 && level_of.dim() == 1 &&
          level_of.size(0) == rois.size(0) && level_of.scalar_type() == at::kLong,
      "roi_align: the rois must be [R,5] and their levels [R] int64, got ",
      rois.sizes(),
      " and ",
      level_of.sizes());
  TORCH_CHECK(
      options.output_size > 0,
      "roi_align: output_size must be positive, got ",
      options.output_size);
  if (!first.is_cpu()) return align_on_gpu(levels, rois.detach(), level_of, options);
  // Other types are rare on a CPU and are converted to float32.
  const auto type = first.scalar_type() == at::kBFloat16 ? at::kBFloat16 : at::kFloat;
  std::vector<at::Tensor> converted;
  for (const auto& level : levels) converted.push_back(level.to(type));
  return align_on_cpu(converted, rois.detach(), level_of, options);
}

}  // namespace maskrcnn::ops
