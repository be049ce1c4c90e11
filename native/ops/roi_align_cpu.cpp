#include "ops/roi_align_cpu.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include "aten.h"
#include "kernels/lanes.h"
#include "kernels/target_clones.h"
#include "kernels/transpose.h"
#include "ops/roi_taps.h"

// The feature maps are channels-last on the CPU, and a cell is a weighted sum of a few pixels. So
// the inner loops run over contiguous channels. Backward divides the work by image and channels,
// never by roi: no two threads write to the same place, and every gradient is summed in the order
// of the rois' places (roi_taps.h).

namespace maskrcnn::ops {
namespace {

const float* in_floats(const float* from, int64_t, std::vector<float>&) {
  return from;
}

const float* in_floats(const c10::BFloat16* from, int64_t count, std::vector<float>& room) {
  for (int64_t i = 0; i < count; ++i) {
    room[i] = std::bit_cast<float>(static_cast<uint32_t>(from[i].x) << 16);
  }
  return room.data();
}

constexpr int64_t kLanes = 16;

// One vector of channels of a pixel.
struct FloatChannels {
  static constexpr int64_t count = kLanes;
  Lanes<kLanes>::Numbers sums = {};

  MASKRCNN_INLINE void add(float weight, const float* pixel) {
    sums += weight * Lanes<kLanes>::read(pixel);
  }
  MASKRCNN_INLINE void write(float* to) const { Lanes<kLanes>::write(sums, to); }
};

struct BFloat16Channels {
  static constexpr int64_t count = 2 * kLanes;
  Lanes<kLanes>::Numbers even = {}, odd = {};

  MASKRCNN_INLINE void add(float weight, const c10::BFloat16* pixel) {
    Lanes<kLanes>::Numbers of_even, of_odd;
    Lanes<kLanes>::read_split(pixel, of_even, of_odd);
    even += weight * of_even;
    odd += weight * of_odd;
  }
  MASKRCNN_INLINE void write(float* to) const {
    constexpr auto of_first = [](int64_t l) { return (l & 1 ? kLanes : 0) + l / 2; };
    constexpr auto of_last = [](int64_t l) { return (l & 1 ? kLanes : 0) + (kLanes + l) / 2; };
    Lanes<kLanes>::write(shuffle<kLanes>(even, odd, of_first), to);
    Lanes<kLanes>::write(shuffle<kLanes>(even, odd, of_last), to + kLanes);
  }
};

// sum[c] = sum over taps of weight * pixel[c], for some vectors of channels from c on
template <typename Channels, int64_t vectors, typename Pixel>
MASKRCNN_INLINE void gather_channels(
    float* sum, const Pixel* image, c10::ArrayRef<CellTap> taps, int64_t c) {
  Channels sums[vectors];
  for (const auto& [offset, weight] : taps) {
    const auto* pixel = image + offset + c;
    MASKRCNN_UNROLLED
    for (int64_t v = 0; v < vectors; ++v) sums[v].add(weight, pixel + v * Channels::count);
  }
  for (int64_t v = 0; v < vectors; ++v) sums[v].write(sum + c + v * Channels::count);
}

// The sums of all channels, four vectors at a time while there are as many: they stay in registers.
template <typename Channels, typename Pixel>
MASKRCNN_INLINE void gather_taps(
    float* sum, const Pixel* image, c10::ArrayRef<CellTap> taps, int64_t channels) {
  constexpr int64_t vectors = 4, at_once = vectors * Channels::count;
  int64_t c = 0;
  for (; c + at_once <= channels; c += at_once) {
    gather_channels<Channels, vectors>(sum, image, taps, c);
  }
  for (; c + Channels::count <= channels; c += Channels::count) {
    gather_channels<Channels, 1>(sum, image, taps, c);
  }
  for (; c < channels; ++c) {
    float one = 0;
    for (const auto& [offset, weight] : taps) {
      one += weight * static_cast<float>(image[offset + c]);
    }
    sum[c] = one;
  }
}

MASKRCNN_TARGET_CLONES("default", "avx2", "avx512f")
void gather(float* sum, const float* image, c10::ArrayRef<CellTap> taps, int64_t channels) {
  gather_taps<FloatChannels>(sum, image, taps, channels);
}

MASKRCNN_TARGET_CLONES("default", "avx2", "avx512f")
void gather(float* sum, const c10::BFloat16* image, c10::ArrayRef<CellTap> taps, int64_t channels) {
  gather_taps<BFloat16Channels>(sum, image, taps, channels);
}

MASKRCNN_TARGET_CLONES("default", "avx2", "avx512f")
void round_all(const float* values, int64_t count, c10::BFloat16* to) {
  constexpr int64_t lanes = 16;
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes)
    Lanes<lanes>::write(Lanes<lanes>::read(values + i), to + i);
  for (; i < count; ++i) to[i] = static_cast<c10::BFloat16>(values[i]);
}

// The values [cells,C] of a region, by cell or by channel. `room` has as many numbers.
void store_region(
    const float* values, int64_t cells, int64_t channels, bool by_channel, float* room, float* to) {
  // The C library's copy does not read the lines that it writes. That outweighs another pass.
  if (by_channel) transpose(values, channels, cells, channels, room, cells);
  std::copy_n(by_channel ? room : values, cells * channels, to);
}

void store_region(
    const float* values,
    int64_t cells,
    int64_t channels,
    bool by_channel,
    float*,
    c10::BFloat16* to) {
  by_channel ? transpose(values, channels, cells, channels, to, cells)
             : round_all(values, cells * channels, to);
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

// Channels per task, a multiple of a cache line. Parts of pixels, which are a power of two apart,
// use only a part of a cache, so there are no more tasks than keep every thread busy.
int64_t channels_per_task(const LevelShape& shape) {
  constexpr int64_t kLine = 16, kFewest = 32;
  const int64_t threads = at::get_num_threads(), images = std::max<int64_t>(shape.images, 1);
  const bool is_even = images % threads == 0 || threads % images == 0;
  const auto tasks_per_image = at::divup(is_even ? threads : 2 * threads, images);
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
  const auto order = order_of_places(regions);
  at::parallel_for(
      0, static_cast<int64_t>(regions.size()), /*grain_size=*/1, [&](int64_t begin, int64_t end) {
        CellSampler sampler(options);
        std::vector<float> values(cells * channels), room;  // [cells,C]
        if (by_channel && std::is_same_v<Pixel, float>) room.resize(values.size());
        for (int64_t i = begin; i < end; ++i) {
          const auto r = order[i];
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
          store_region(
              values.data(), cells, channels, by_channel, room.data(), to + r * strides.region);
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
  for (const auto r : order_of_places(regions)) {
    if (regions[r].finite) regions_of_image[regions[r].image].push_back(r);
  }
  const Strides strides(grad_output);
  const auto cells = grad_output.size(2) * grad_output.size(3);
  const bool by_channel = strides.channel != 1;
  const auto task_channels = channels_per_task(shapes.front());
  const auto tasks_per_image = at::divup(channels, task_channels);
  const auto* from = grad_output.const_data_ptr<Pixel>();
  at::parallel_for(0, images * tasks_per_image, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    CellSampler sampler(options);
    std::vector<float> values(task_channels * (by_channel ? cells : 1));
    for (int64_t task = begin; task < end; ++task) {
      const auto image = task / tasks_per_image;
      const auto first = task % tasks_per_image * task_channels;
      const auto count = std::min(task_channels, channels - first);
      for (const auto r : regions_of_image[image]) {
        const auto& region = regions[r];
        const auto& shape = shapes[region.level];
        auto* pixels = maps[region.level] + image * shape.image_size() + first;
        const auto* pooled = from + r * strides.region + first * strides.channel;
        if (by_channel) transpose(pooled, cells, count, cells, values.data(), count);
        sampler.visit_cells(region, shape, [&](int64_t cell, c10::ArrayRef<CellTap> taps) {
          const auto* place = by_channel ? values.data() + cell * count
                                         : in_floats(pooled + cell * strides.cell, count, values);
          scatter(place, pixels, taps, count);
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
