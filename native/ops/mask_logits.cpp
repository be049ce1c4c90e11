#include "ops/mask_logits.h"

#include <algorithm>
#include <vector>

#include "aten.h"
#include "kernels/panel_product.h"
#include "kernels/target_clones.h"
#include "ops/recorded_products.h"

// Letters: R rois, C input channels, K channels between the convolutions, S rows and columns.

namespace maskrcnn::ops {
namespace {

// The windows of a 2 x 2 transposed convolution with stride 2 do not overlap: each of the four
// places in a window is a product of its own.
constexpr int64_t kPlaces = 4;
constexpr int64_t kSums = 16;  // that are added up side by side

// The sum of max(grown + bias, 0) · weight over a multiple of 16 channels.
MASKRCNN_TARGET_CLONES("default", "avx2", "avx512f")
float logit_of(const float* grown, const float* bias, const float* weight, int64_t channels) {
  float sums[kSums] = {};
  for (int64_t k = 0; k < channels; k += kSums) {
    for (int64_t i = 0; i < kSums; ++i) {
      const float value = grown[k + i] + bias[k + i];
      sums[i] += (value < 0 ? 0 : value) * weight[k + i];
    }
  }
  for (int64_t half = kSums / 2; half > 0; half /= 2) {
    for (int64_t i = 0; i < half; ++i) sums[i] += sums[i + half];
  }
  return sums[0];
}

// [*,K] with zeros up to the next multiple of 64 channels.
at::Tensor padded(const at::Tensor& x) {
  const auto width = at::divup(x.size(-1), kPanel) * kPanel;
  return at::constant_pad_nd(x, {0, width - x.size(-1)}).contiguous();
}

}  // namespace

at::Tensor mask_logits(
    const at::Tensor& x,
    const at::Tensor& weight,
    const at::Tensor& bias,
    const at::Tensor& class_weight,
    const at::Tensor& class_bias) {
  TORCH_CHECK(
      x.dim() == 4 && x.size(2) == x.size(3) && x.scalar_type() == at::kFloat && x.is_cpu(),
      "mask_logits: the maps must be float32 [R,C,S,S] on the CPU");
  const auto rois = x.size(0), inputs = x.size(1), side = x.size(2), pixels = side * side;
  record_products(static_cast<double>(rois * pixels) * static_cast<double>(weight.numel()));
  const auto maps = x.contiguous(at::MemoryFormat::ChannelsLast);
  const auto all_biases = padded(bias), all_weights = padded(class_weight);
  const auto channels = all_biases.size(0), panels = channels / kPanel;
  // [2,2,K/64,C,64]
  const auto packed = padded(weight.permute({2, 3, 0, 1}))
                          .view({2, 2, inputs, panels, kPanel})
                          .transpose(2, 3)
                          .contiguous();
  const auto offsets = class_bias.contiguous();
  auto logits = at::empty({rois, 2 * side, 2 * side}, x.options());
  const auto* from = maps.const_data_ptr<float>();
  const auto* panel = packed.const_data_ptr<float>();
  auto* to = logits.mutable_data_ptr<float>();
  at::parallel_for(0, rois, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    std::vector<float> grown(pixels * channels);
    for (int64_t r = begin; r < end; ++r) {
      const auto* class_weights = all_weights.const_data_ptr<float>() + r * channels;
      for (int64_t place = 0; place < kPlaces; ++place) {
        for (int64_t j = 0; j < panels; ++j) {
          const auto* weights = panel + (place * panels + j) * inputs * kPanel;
          multiply(
              {.rows = pixels,
               .depth = inputs,
               .columns = kPanel,
               .left = {from + r * pixels * inputs, inputs},
               .left_step = 1,
               .panel = weights,
               .result = {grown.data() + j * kPanel, channels},
               .add = false});
        }
        for (int64_t pixel = 0; pixel < pixels; ++pixel) {
          const auto row = 2 * (pixel / side) + place / 2, column = 2 * (pixel % side) + place % 2;
          to[(r * 2 * side + row) * 2 * side + column] =
              offsets.const_data_ptr<float>()[r] + logit_of(
                                                       grown.data() + pixel * channels,
                                                       all_biases.const_data_ptr<float>(),
                                                       class_weights,
                                                       channels);
        }
      }
    }
  });
  return logits;
}

}  // namespace maskrcnn::ops
