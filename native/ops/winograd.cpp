#include "ops/winograd.h"

#include <algorithm>
#include <optional>

#include "aten.h"
#include "ops/matmul.h"
#include "ops/winograd_transforms.h"

// Letters: N images, C input and K output channels, H W rows and columns; T tiles of 2 x 2 outputs,
// each computed from 4 x 4 inputs; P = 16 points of a transformed tile.

namespace maskrcnn::ops {
namespace {

// The size of a chunk of transformed tiles, in numbers. They should still be in the cache when the
// next step reads them.
constexpr int64_t kChunk = int64_t{1} << 19;
// Larger, because each chunk reads and writes the whole gradient of the weights.
constexpr int64_t kGradientChunk = int64_t{1} << 22;

// Memory for transformed tiles, allocated once: new memory costs more than the arithmetic.
class Room {
 public:
  Room(int64_t tiles, int64_t channels)
      : channels_(channels), memory_(at::empty({kPoints * tiles * channels}, at::kFloat)) {}

  at::Tensor part(int64_t tiles) const {  // [P,T,C]
    return memory_.narrow(0, 0, kPoints * tiles * channels_).view({kPoints, tiles, channels_});
  }

 private:
  int64_t channels_;
  at::Tensor memory_;
};

int64_t tiles_at_a_time(int64_t numbers, int64_t channels, const Tiling& tiling) {
  return std::min(std::max<int64_t>(64, numbers / (kPoints * channels)), tiling.count);
}

void check(const at::Tensor& x) {
  TORCH_CHECK(
      x.dim() == 4 && x.is_cpu() && x.scalar_type() == at::kFloat,
      "winograd: images must be float32 [N,C,H,W] on the CPU");
}

}  // namespace

at::Tensor winograd_convolution(
    const at::Tensor& input, const at::Tensor& weight, const std::optional<at::Tensor>& bias) {
  check(input);
  const auto x = input.contiguous(at::MemoryFormat::ChannelsLast);
  const auto inputs = weight.size(1), outputs = weight.size(0);
  const Tiling tiling(x);
  auto result = at::empty(
      {x.size(0), outputs, x.size(2), x.size(3)},
      x.options().memory_format(at::MemoryFormat::ChannelsLast));
  const auto transformed = transform_weights(weight);  // [P,C,K]
  const auto shift =
      bias.has_value() && bias->defined() ? bias->contiguous() : at::zeros({outputs}, x.options());
  const auto* add = shift.const_data_ptr<float>();
  const auto chunk = tiles_at_a_time(kChunk, inputs + outputs, tiling);
  const Room tile_room(chunk, inputs), product_room(chunk, outputs);
  for (int64_t begin = 0; begin < tiling.count; begin += chunk) {
    const auto end = std::min(begin + chunk, tiling.count);
    auto tiles = tile_room.part(end - begin), products = product_room.part(end - begin);
    transform_inputs(x, tiling, begin, end, tiles.mutable_data_ptr<float>());
    batched_matmul(tiles, transformed, products, /*add=*/false);
    transform_outputs(products.const_data_ptr<float>(), add, result, tiling, begin, end);
  }
  return result;
}

at::Tensor winograd_weight_gradient(const at::Tensor& input, const at::Tensor& grad_output) {
  check(input);
  check(grad_output);
  const auto x = input.contiguous(at::MemoryFormat::ChannelsLast);
  const auto grad = grad_output.contiguous(at::MemoryFormat::ChannelsLast);
  const auto inputs = x.size(1), outputs = grad.size(1);
  const Tiling tiling(x);
  auto products = at::zeros({kPoints, outputs, inputs}, x.options().memory_format(std::nullopt));
  const auto chunk = tiles_at_a_time(kGradientChunk, inputs + outputs, tiling);
  const Room tile_room(chunk, inputs), gradient_room(chunk, outputs);
  for (int64_t begin = 0; begin < tiling.count; begin += chunk) {
    const auto end = std::min(begin + chunk, tiling.count);
    auto tiles = tile_room.part(end - begin), gradients = gradient_room.part(end - begin);
    transform_inputs(x, tiling, begin, end, tiles.mutable_data_ptr<float>());
    transform_gradients(grad, tiling, begin, end, gradients.mutable_data_ptr<float>());
    batched_matmul(gradients.transpose(1, 2), tiles, products, /*add=*/true);
  }
  return gather_weight_gradient(products);
}

}  // namespace maskrcnn::ops
