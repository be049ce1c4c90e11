#include "model/mask_head.h"

#include <ATen/autocast_mode.h>

#include "layers/conv_norm_activation.h"
#include "layers/initial_values.h"
#include "ops/differentiable.h"
#include "ops/mask_logits.h"

namespace maskrcnn {

namespace {

constexpr int kConvolutions = 4;
// Rois whose maps are grown at once on a CPU. The grown maps of 128 would leave the cache.
constexpr int64_t kGrownAtOnce = 16;

bool computes_in_float32() {
  return !at::autocast::is_autocast_enabled(at::kCPU);
}

// [R, S·S·2·2, K] -> [R,K,2·S,2·S]
at::Tensor interleave(const at::Tensor& logits, int64_t side) {
  const auto rois = logits.size(0), classes = logits.size(2);
  return logits.view({rois, side, side, 2, 2, classes})
      .permute({0, 5, 1, 3, 2, 4})
      .reshape({rois, classes, 2 * side, 2 * side});
}

}  // namespace

MaskRcnnHeads::MaskRcnnHeads(int64_t in_channels, int64_t channels, bool batch_norm) {
  for (int i = 0; i < kConvolutions; ++i) {
    const auto block = std::make_shared<ConvNormActivation>(ConvNormActivationOptions{
        .in = i == 0 ? in_channels : channels,
        .out = channels,
        .kernel = 3,
        .norm = batch_norm ? Norm::Batch : Norm::None});
    draw_kaiming_normal(block->conv->weight);
    fill_zeros(block->conv->bias);
    push_back(block);
  }
}

MaskRcnnPredictor::MaskRcnnPredictor(int64_t channels, int64_t num_classes) {
  conv5_mask =
      add("conv5_mask", std::make_shared<ConvTranspose2d>(channels, channels, /*kernel=*/2));
  mask_fcn_logits =
      add("mask_fcn_logits",
          std::make_shared<Conv2d>(Conv2dOptions{.in = channels, .out = num_classes, .kernel = 1}));
  draw_kaiming_normal(conv5_mask->weight);
  draw_kaiming_normal(mask_fcn_logits->weight);
}

at::Tensor MaskRcnnPredictor::grow(const at::Tensor& x) {
  // The windows of a 2×2 transposed convolution with stride 2 do not overlap: a linear map computes
  // the 2×2 output pixels of each input pixel, [S·S,C] -> [S·S,2·2·C]. The 1×1 convolution after it
  // also works pixel by pixel. So only its few output channels need to be interleaved.
  const auto rois = x.size(0), channels = x.size(1), side = x.size(2);
  const auto pixels = x.permute({0, 2, 3, 1}).reshape({-1, channels});  // [R·S·S,C]
  const auto &weight = conv5_mask->weight, &bias = conv5_mask->bias;
  const auto make = [&] {
    return LinearWeights{weight.permute({2, 3, 1, 0}).reshape({-1, channels}), bias.repeat({4})};
  };
  return growth_.forward(pixels, {weight, bias}, make).view({rois, side * side * 4, channels});
}

at::Tensor MaskRcnnPredictor::forward(const at::Tensor& x) {
  const auto grown = grow(x);
  const auto logits = at::linear(grown, mask_fcn_logits->weight.flatten(1), mask_fcn_logits->bias);
  return interleave(logits, x.size(2));
}

at::Tensor MaskRcnnPredictor::forward_of_class(const at::Tensor& x, const at::Tensor& classes) {
  const auto weight = mask_fcn_logits->weight.flatten(1).index_select(0, classes);  // [R,C]
  const auto bias = mask_fcn_logits->bias.index_select(0, classes);                 // [R]
  if (x.is_cpu() && computes_in_float32() &&
      !ops::wants_gradients({x, conv5_mask->weight, conv5_mask->bias, weight, bias})) {
    return ops::mask_logits(x, conv5_mask->weight, conv5_mask->bias, weight, bias);
  }
  const auto most = x.is_cpu() ? kGrownAtOnce : x.size(0);
  const auto columns = weight.unsqueeze(2).split(most);
  std::vector<at::Tensor> parts;
  for (const auto& part : x.split(most))
    parts.push_back(at::bmm(grow(part), columns[parts.size()]));
  const auto products = parts.size() == 1 ? parts.front() : at::cat(parts);
  return interleave(products + bias.view({-1, 1, 1}), x.size(2)).squeeze(1);
}

}  // namespace maskrcnn
