#include "ops/roi_align_cpu.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "ops/axis_taps.h"
#include "ops/target_clones.h"
#include "torch.h"

// Letters: N images, C channels, H W rows and columns of the feature map, R rois, P output_size.
//
// On the CPU a pixel's channels lie side by side, and a cell is a weighted sum of a few pixels: the
// inner loops run over contiguous channels. Backward divides the work by image and channels, never
// by roi: no two threads write to one place, and every gradient is summed in the order of the rois.

namespace maskrcnn::ops {
namespace {

struct Region {
  int64_t image;
  bool finite;
  float x, y, width, height;  // pixels of the feature map
};

struct FeatureShape {
  int64_t images, channels, height, width;
};

// A pixel of the feature map, by the place of its first channel, and its weight in a cell's mean.
struct CellTap {
  int64_t offset;
  float weight;
};

FeatureShape shape_of(at::IntArrayRef sizes) {
  return {sizes[0], sizes[1], sizes[2], sizes[3]};
}

std::vector<Region> read_regions(
    const at::Tensor& rois, int64_t images, const RoiAlignOptions& options) {
  const auto rows = rois.detach().to(at::kFloat).contiguous();
  const auto* roi = rows.const_data_ptr<float>();
  const auto scale = static_cast<float>(options.spatial_scale);
  std::vector<Region> regions(rows.size(0));
  for (auto& region : regions) {
    TORCH_CHECK(
        roi[0] >= 0 && roi[0] < static_cast<float>(images),
        "roi_align: the image of a roi must be in 0..",
        images - 1,
        ", got ",
        roi[0]);
    region.image = static_cast<int64_t>(roi[0]);
    region.x = roi[1] * scale;
    region.y = roi[2] * scale;
    region.width = std::max(roi[3] * scale - region.x, 1.0f);
    region.height = std::max(roi[4] * scale - region.y, 1.0f);
    region.finite = std::all_of(roi + 1, roi + 5, [](float value) { return std::isfinite(value); });
    roi += 5;
  }
  return regions;
}

// The taps of every cell of a region in turn. Kept from region to region for its memory.
class CellSampler {
 public:
  CellSampler(const FeatureShape& shape, const RoiAlignOptions& options)
      : shape_(shape), options_(options) {}

  // Calls visit(index of the cell, its taps), row by row.
  template <typename Visit>
  void visit_cells(const Region& region, Visit visit) {
    const auto cells = options_.output_size;
    const auto rows = samples_per_cell(region.height, cells, options_.sampling_ratio);
    const auto columns = samples_per_cell(region.width, cells, options_.sampling_ratio);
    const auto as_is = [](int64_t index) { return index; };
    y_.sample(region.y, region.height, cells, rows, shape_.height, as_is);
    x_.sample(region.x, region.width, cells, columns, shape_.width, as_is);
    const auto samples = static_cast<float>(rows * columns);
    for (int64_t i = 0; i < cells; ++i) {
      for (int64_t j = 0; j < cells; ++j) {
        taps_.clear();
        for (const auto& row : y_.cell(i)) {
          for (const auto& column : x_.cell(j)) {
            taps_.push_back(
                {(row.index * shape_.width + column.index) * shape_.channels,
                 row.weight * column.weight / samples});
          }
        }
        visit(i * cells + j, taps_);
      }
    }
  }

 private:
  const FeatureShape shape_;
  const RoiAlignOptions options_;
  AxisTaps y_, x_;
  std::vector<CellTap> taps_;
};

// cell[c] = sum over taps of weight * pixel[c]
MASKRCNN_TARGET_CLONES("default", "avx2", "avx512f")
void gather(
    float* __restrict cell,
    const float* __restrict image,
    const CellTap* taps,
    int64_t tap_count,
    int64_t channels) {
  for (int64_t c = 0; c < channels; ++c) cell[c] = 0;
  int64_t t = 0;
  // Four pixels at a time: the sum is loaded and stored a quarter as often.
  for (; t + 4 <= tap_count; t += 4) {
    const float* p0 = image + taps[t].offset;
    const float* p1 = image + taps[t + 1].offset;
    const float* p2 = image + taps[t + 2].offset;
    const float* p3 = image + taps[t + 3].offset;
    const float w0 = taps[t].weight, w1 = taps[t + 1].weight;
    const float w2 = taps[t + 2].weight, w3 = taps[t + 3].weight;
    for (int64_t c = 0; c < channels; ++c) {
      cell[c] += w0 * p0[c] + w1 * p1[c] + w2 * p2[c] + w3 * p3[c];
    }
  }
  for (; t < tap_count; ++t) {
    const float* pixel = image + taps[t].offset;
    const float weight = taps[t].weight;
    for (int64_t c = 0; c < channels; ++c) cell[c] += weight * pixel[c];
  }
}

// pixel[c] += weight * cell[c] for every tap
MASKRCNN_TARGET_CLONES("default", "avx2", "avx512f")
void scatter(
    const float* __restrict cell,
    float* __restrict image,
    const CellTap* taps,
    int64_t tap_count,
    int64_t channels) {
  for (int64_t t = 0; t < tap_count; ++t) {
    float* pixel = image + taps[t].offset;
    const float weight = taps[t].weight;
    for (int64_t c = 0; c < channels; ++c) pixel[c] += weight * cell[c];
  }
}

// Channels that one thread takes on: few enough to keep every thread busy, and whole cache lines.
int64_t channels_per_task(const FeatureShape& shape) {
  constexpr int64_t kLine = 16, kFewest = 32;
  const auto tasks_per_image =
      at::divup(2 * at::get_num_threads(), std::max<int64_t>(shape.images, 1));
  const auto channels = std::max(at::divup(shape.channels, tasks_per_image), kFewest);
  return at::divup(channels, kLine) * kLine;
}

}  // namespace

at::Tensor roi_align_cpu(
    const at::Tensor& input, const at::Tensor& rois, const RoiAlignOptions& options) {
  const auto shape = shape_of(input.sizes());
  const auto regions = read_regions(rois, shape.images, options);
  const auto features = input.contiguous(at::MemoryFormat::ChannelsLast);  // [N,C,H,W]
  const auto side = options.output_size;
  auto output = at::empty(
      {static_cast<int64_t>(regions.size()), shape.channels, side, side},
      features.options().memory_format(at::MemoryFormat::ChannelsLast));  // [R,C,P,P]
  const auto image_size = shape.channels * shape.height * shape.width;
  const auto region_size = shape.channels * side * side;
  const auto* from = features.const_data_ptr<float>();
  auto* to = output.mutable_data_ptr<float>();

  const auto pool = [&](int64_t begin, int64_t end) {
    CellSampler sampler(shape, options);
    for (int64_t r = begin; r < end; ++r) {
      const auto& region = regions[r];
      auto* pooled = to + r * region_size;
      if (!region.finite) {
        std::fill_n(pooled, region_size, std::numeric_limits<float>::quiet_NaN());
        continue;
      }
      const auto* image = from + region.image * image_size;
      sampler.visit_cells(region, [&](int64_t cell, const std::vector<CellTap>& taps) {
        gather(
            pooled + cell * shape.channels,
            image,
            taps.data(),
            static_cast<int64_t>(taps.size()),
            shape.channels);
      });
    }
  };
  at::parallel_for(0, static_cast<int64_t>(regions.size()), /*grain_size=*/1, pool);
  return output;
}

at::Tensor roi_align_backward_cpu(
    const at::Tensor& grad_output,
    const at::Tensor& rois,
    at::IntArrayRef input_sizes,
    const RoiAlignOptions& options) {
  const auto shape = shape_of(input_sizes);
  const auto regions = read_regions(rois, shape.images, options);
  const auto grad = grad_output.contiguous(at::MemoryFormat::ChannelsLast);  // [R,C,P,P]
  auto grad_input = at::empty(
                        input_sizes,
                        grad.options().memory_format(at::MemoryFormat::ChannelsLast))
                        .zero_();  // [N,C,H,W]
  std::vector<std::vector<int64_t>> regions_of_image(shape.images);
  for (size_t r = 0; r < regions.size(); ++r) {
    if (regions[r].finite) {
      regions_of_image[regions[r].image].push_back(static_cast<int64_t>(r));
    }
  }

  const auto image_size = shape.channels * shape.height * shape.width;
  const auto cells = options.output_size * options.output_size;
  const auto task_channels = channels_per_task(shape);
  const auto tasks_per_image = at::divup(shape.channels, task_channels);
  const auto* from = grad.const_data_ptr<float>();
  auto* to = grad_input.mutable_data_ptr<float>();

  const auto spread = [&](int64_t begin, int64_t end) {
    CellSampler sampler(shape, options);
    for (int64_t task = begin; task < end; ++task) {
      const auto image = task / tasks_per_image;
      const auto first = task % tasks_per_image * task_channels;
      const auto count = std::min(task_channels, shape.channels - first);
      auto* pixels = to + image * image_size + first;
      for (const auto r : regions_of_image[image]) {
        const auto* pooled = from + r * cells * shape.channels + first;
        sampler.visit_cells(regions[r], [&](int64_t cell, const std::vector<CellTap>& taps) {
          scatter(
              pooled + cell * shape.channels,
              pixels,
              taps.data(),
              static_cast<int64_t>(taps.size()),
              count);
        });
      }
    }
  };
  at::parallel_for(0, shape.images * tasks_per_image, /*grain_size=*/1, spread);
  return grad_input;
}

}  // namespace maskrcnn::ops
