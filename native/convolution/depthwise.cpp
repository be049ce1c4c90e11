#include "convolution/depthwise.h"

#include <vector>

#include "aten.h"
#include "kernels/lanes.h"
#include "kernels/target_clones.h"

namespace maskrcnn::ops {
namespace {

// An output that a pixel of the input was part of, and the weights that connect them: the first
// channel of each.
struct OutputTap {
  const c10::BFloat16* grad;
  const float* weights;
};

template <int64_t lanes>
MASKRCNN_INLINE void sum_lanes(c10::ArrayRef<OutputTap> taps, int64_t c, c10::BFloat16* pixel) {
  typename Lanes<lanes>::Numbers sum = {};
  for (const auto& [grad, weights] : taps) {
    sum += Lanes<lanes>::read(grad + c) * Lanes<lanes>::read(weights + c);
  }
  Lanes<lanes>::write(sum, pixel + c);
}

MASKRCNN_TARGET_CLONES("default", "avx2", "avx512f")
void sum_output_taps(c10::ArrayRef<OutputTap> taps, int64_t channels, c10::BFloat16* pixel) {
  constexpr int64_t lanes = 16;
  int64_t c = 0;
  for (; c + lanes <= channels; c += lanes) sum_lanes<lanes>(taps, c, pixel);
  for (; c < channels; ++c) sum_lanes<1>(taps, c, pixel);
}

// Where the kernel's taps of one axis lie for one place of the input.
struct AxisTaps {
  int64_t size, stride, padding, dilation, outputs;

  // Calls visit(tap, output).
  template <typename Visit>
  void for_each(int64_t place, const Visit& visit) const {
    for (int64_t tap = 0; tap < size; ++tap) {
      const auto distance = place + padding - tap * dilation;
      if (distance < 0 || distance % stride != 0) continue;
      if (const auto output = distance / stride; output < outputs) visit(tap, output);
    }
  }
};

}  // namespace

at::Tensor depthwise_input_gradient(
    const at::Tensor& grad_output,
    const at::Tensor& weight,
    int64_t height,
    int64_t width,
    const ConvolutionGeometry& geometry) {
  TORCH_CHECK(
      grad_output.is_cpu() && grad_output.scalar_type() == at::kBFloat16 && grad_output.dim() == 4,
      "depthwise_input_gradient: the gradient must be bfloat16 [N,C,H,W] on the CPU");
  const auto grad = grad_output.contiguous(at::MemoryFormat::ChannelsLast);
  const auto images = grad.size(0), channels = grad.size(1);
  const auto tap_rows = weight.size(2), tap_columns = weight.size(3);
  // Rounded as the operands of the convolution were; [h,w,C].
  const auto weights = weight.to(at::kBFloat16).to(at::kFloat).permute({2, 3, 1, 0}).contiguous();
  const auto axis = [&](size_t i) {
    return AxisTaps{
        weight.size(static_cast<int64_t>(i) + 2),
        geometry.stride[i],
        geometry.padding[i],
        geometry.dilation[i],
        grad.size(static_cast<int64_t>(i) + 2)};
  };
  const auto rows = axis(0), columns = axis(1);
  auto result = at::empty(
      {images, channels, height, width},
      grad.options().memory_format(at::MemoryFormat::ChannelsLast));
  const auto* from = grad.const_data_ptr<c10::BFloat16>();
  const auto* taps_of = weights.const_data_ptr<float>();
  auto* to = result.mutable_data_ptr<c10::BFloat16>();
  at::parallel_for(0, images * height, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    std::vector<OutputTap> taps;
    taps.reserve(tap_rows * tap_columns);
    for (int64_t line = begin; line < end; ++line) {
      const auto image = line / height, row = line % height;
      for (int64_t column = 0; column < width; ++column) {
        taps.clear();
        rows.for_each(row, [&](int64_t tap_row, int64_t y) {
          columns.for_each(column, [&](int64_t tap_column, int64_t x) {
            const auto output = (image * rows.outputs + y) * columns.outputs + x;
            const auto tap = tap_row * tap_columns + tap_column;
            taps.push_back({from + output * channels, taps_of + tap * channels});
          });
        });
        sum_output_taps(taps, channels, to + (line * width + column) * channels);
      }
    }
  });
  return result;
}

}  // namespace maskrcnn::ops
