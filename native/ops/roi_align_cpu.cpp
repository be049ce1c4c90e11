#include "ops/roi_align_cpu.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <vector>

#include "aten.h"
#include "ops/lanes.h"
#include "ops/roi_taps.h"
#include "ops/target_clones.h"

// The feature maps are channels-last on the CPU, and a cell is a weighted sum of a few pixels. So
// the inner loops run over contiguous channels. Backward divides the work by image and channels,
// never by roi: no two threads write to the same place, and every gradient is summed in the order
// of the rois.

namespace maskrcnn::ops {
namespace {

float to_float(float value) {
  return value;
}

float to_float(c10::BFloat16 value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value.x) << 16);
}

// sum[c] = sum over taps of weight * pixel[c], for lanes · vectors channels
template <int64_t lanes, int64_t vectors, typename Pixel>
MASKRCNN_INLINE void gather_channels(
    float* sum, const Pixel* image, c10::ArrayRef<CellTap> taps, int64_t c) {
  typename Lanes<lanes>::Numbers sums[vectors] = {};
  for (const auto& [offset, weight] : taps) {
    const auto* pixel = image + offset + c;
    MASKRCNN_UNROLLED
    for (int64_t v = 0; v < vectors; ++v) sums[v] += weight * Lanes<lanes>::read(pixel + v * lanes);
  }
  for (int64_t v = 0; v < vectors; ++v) Lanes<lanes>::write(sums[v], sum + c + v * lanes);
}

// The sums of all channels, 64 at a time while there are as many: they stay in registers.
template <typename Pixel>
MASKRCNN_INLINE void gather_taps(
    float* sum, const Pixel* image, c10::ArrayRef<CellTap> taps, int64_t channels) {
  constexpr int64_t lanes = 16, vectors = 4;
  int64_t c = 0;
  for (; c + lanes * vectors <= channels; c += lanes * vectors) {
    gather_channels<lanes, vectors>(sum, image, taps, c);
  }
  for (; c < channels; ++c) gather_channels<1, 1>(sum, image, taps, c);
}

MASKRCNN_TARGET_CLONES("default", "avx2", "avx512f")
void gather(float* sum, const float* image, c10::ArrayRef<CellTap> taps, int64_t channels) {
  gather_taps(sum, image, taps, channels);
}

MASKRCNN_TARGET_CLONES("default", "avx2", "avx512f")
void gather(float* sum, const c10::BFloat16* image, c10::ArrayRef<CellTap> taps, int64_t channels) {
  gather_taps(sum, image, taps, channels);
}

// The values [cells,C] of a region, from channel `first` on, `lanes` channels.
template <int64_t lanes, typename Pixel>
MASKRCNN_INLINE void store_channels(
    const float* values,
    int64_t cells,
    int64_t channels,
    bool transposes,
    int64_t first,
    Pixel* to) {
  for (int64_t cell = 0; cell < cells; ++cell) {
    const auto numbers = Lanes<lanes>::read(values + cell * channels + first);
    if (transposes) {
      Pixel line[lanes];
      Lanes<lanes>::write(numbers, line);
      for (int64_t i = 0; i < lanes; ++i) to[(first + i) * cells + cell] = line[i];
    } else {
      Lanes<lanes>::write(numbers, to + cell * channels + first);
    }
  }
}

// Some channels at a time, so that the lines of both sides are used in full.
template <typename Pixel>
MASKRCNN_INLINE void store_values(
    const float* values, int64_t cells, int64_t channels, bool transposes, Pixel* to) {
  constexpr int64_t lanes = 16;
  int64_t c = 0;
  for (; c + lanes <= channels; c += lanes) {
    store_channels<lanes>(values, cells, channels, transposes, c, to);
  }
  for (; c < channels; ++c) store_channels<1>(values, cells, channels, transposes, c, to);
}

MASKRCNN_TARGET_CLONES("default", "avx2", "avx512f")
void store_region(
    const float* values, int64_t cells, int64_t channels, bool transposes, float* to) {
  store_values(values, cells, channels, transposes, to);
}

MASKRCNN_TARGET_CLONES("default", "avx2", "avx512f")
void store_region(
    const float* values, int64_t cells, int64_t channels, bool transposes, c10::BFloat16* to) {
  store_values(values, cells, channels, transposes, to);
}

// pixel[c] += weight * cell[c] for every tap
MASKRCNN_TARGET_CLONES("default", "avx2", "avx512f")
void scatter(
    const float* __restrict cell,
    float* __restrict image,
    c10::ArrayRef<CellTap> taps,
    int64_t channels) {
  for (const auto& [offset, weight] : taps) {
    float* pixel = image + offset;
    for (int64_t c = 0; c < channels; ++c) pixel[c] += weight * cell[c];
  }
}

// The strides of a region's values [C,P,P] in the memory format of `pooled`.
struct Strides {
  int64_t region, channel, cell;

  explicit Strides(const at::Tensor& pooled)
      : region(pooled.stride(0)), channel(pooled.stride(1)), cell(pooled.stride(3)) {}
};

// Channels per task: few enough to keep every thread busy, and a multiple of a cache line.
int64_t channels_per_task(const LevelShape& shape) {
  constexpr int64_t kLine = 16, kFewest = 32;
  const auto tasks_per_image =
      at::divup(2 * at::get_num_threads(), std::max<int64_t>(shape.images, 1));
  const auto channels = std::max(at::divup(shape.channels, tasks_per_image), kFewest);
  return at::divup(channels, kLine) * kLine;
}

LevelShape shape_of(at::IntArrayRef sizes) {
  return {sizes[0], sizes[1], sizes[2], sizes[3]};
}

template <typename Pixel>
void pool(
    const std::vector<at::Tensor>& levels,
    const std::vector<Region>& regions,
    const RoiAlignOptions& options,
    at::Tensor& output) {
  std::vector<const Pixel*> maps;
  std::vector<LevelShape> shapes;
  for (const auto& level : levels) {
    maps.push_back(level.const_data_ptr<Pixel>());
    shapes.push_back(shape_of(level.sizes()));
  }
  const Strides strides(output);
  const auto channels = output.size(1), cells = output.size(2) * output.size(3);
  const bool by_channel = strides.channel != 1;
  auto* to = output.mutable_data_ptr<Pixel>();
  at::parallel_for(
      0, static_cast<int64_t>(regions.size()), /*grain_size=*/1, [&](int64_t begin, int64_t end) {
        CellSampler sampler(options);
        std::vector<float> values(cells * channels);  // [cells,C]
        for (int64_t r = begin; r < end; ++r) {
          const auto& region = regions[r];
          if (region.finite) {
            const auto& shape = shapes[region.level];
            const auto* image = maps[region.level] + region.image * shape.image_size();
            sampler.visit_cells(region, shape, [&](int64_t cell, c10::ArrayRef<CellTap> taps) {
              gather(values.data() + cell * channels, image, taps, channels);
            });
          } else {
            std::fill(values.begin(), values.end(), std::numeric_limits<float>::quiet_NaN());
          }
          store_region(values.data(), cells, channels, by_channel, to + r * strides.region);
        }
      });
}

template <typename Pixel>
void spread(
    const at::Tensor& grad_output,
    const std::vector<Region>& regions,
    const RoiAlignOptions& options,
    std::vector<at::Tensor>& grads) {
  std::vector<LevelShape> shapes;
  std::vector<float*> maps;
  for (auto& grad : grads) {
    shapes.push_back(shape_of(grad.sizes()));
    maps.push_back(grad.mutable_data_ptr<float>());
  }
  const auto images = shapes.front().images, channels = shapes.front().channels;
  std::vector<std::vector<int64_t>> regions_of_image(images);
  for (size_t r = 0; r < regions.size(); ++r) {
    if (regions[r].finite) {
      regions_of_image[regions[r].image].push_back(static_cast<int64_t>(r));
    }
  }
  const Strides strides(grad_output);
  const auto task_channels = channels_per_task(shapes.front());
  const auto tasks_per_image = at::divup(channels, task_channels);
  const auto* from = grad_output.const_data_ptr<Pixel>();
  at::parallel_for(0, images * tasks_per_image, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    CellSampler sampler(options);
    std::vector<float> values(task_channels);
    for (int64_t task = begin; task < end; ++task) {
      const auto image = task / tasks_per_image;
      const auto first = task % tasks_per_image * task_channels;
      const auto count = std::min(task_channels, channels - first);
      for (const auto r : regions_of_image[image]) {
        const auto& region = regions[r];
        const auto& shape = shapes[region.level];
        auto* pixels = maps[region.level] + image * shape.image_size() + first;
        const auto* pooled = from + r * strides.region + first * strides.channel;
        sampler.visit_cells(region, shape, [&](int64_t cell, c10::ArrayRef<CellTap> taps) {
          const auto* place = pooled + cell * strides.cell;
          for (int64_t c = 0; c < count; ++c) values[c] = to_float(place[c * strides.channel]);
          scatter(values.data(), pixels, taps, count);
        });
      }
    }
  });
}

}  // namespace

at::Tensor roi_align_cpu(
    at::TensorList levels,
    const at::Tensor& rois,
    const at::Tensor& level_of,
    const RoiAlignOptions& options) {
  const auto& first = levels.front();
  const auto side = options.output_size;
  const auto regions = read_regions(rois, level_of, first.size(0), options);
  std::vector<at::Tensor> maps;
  for (const auto& level : levels) maps.push_back(level.contiguous(at::MemoryFormat::ChannelsLast));
  auto output = at::empty(
      {rois.size(0), first.size(1), side, side}, first.options().memory_format(options.format));
  if (first.scalar_type() == at::kFloat) {
    pool<float>(maps, regions, options, output);
  } else {
    pool<c10::BFloat16>(maps, regions, options, output);
  }
  return output;
}

std::vector<at::Tensor> roi_align_backward_cpu(
    const at::Tensor& grad_output,
    const at::Tensor& rois,
    const at::Tensor& level_of,
    const std::vector<std::vector<int64_t>>& level_sizes,
    const RoiAlignOptions& options) {
  const auto regions = read_regions(rois, level_of, level_sizes.front()[0], options);
  const auto grad = grad_output.contiguous(options.format);
  std::vector<at::Tensor> grads;
  for (const auto& sizes : level_sizes)
    grads.push_back(at::empty(sizes, at::kFloat, at::MemoryFormat::ChannelsLast).zero_());
  if (grad.scalar_type() == at::kFloat) {
    spread<float>(grad, regions, options, grads);
  } else {
    spread<c10::BFloat16>(grad, regions, options, grads);
  }
  return grads;
}

}  // namespace maskrcnn::ops
