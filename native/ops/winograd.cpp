#include "ops/winograd.h"

#include <algorithm>
#include <optional>

#include "aten.h"
#include "ops/matmul.h"
#include "ops/winograd_transforms.h"

// Letters: N images, C input and K output channels, H W rows and columns; T tiles of 4 x 4 outputs,
// each computed from 6 x 6 inputs; P = 36 points of a transformed tile.

namespace maskrcnn::ops {
namespace {

// Tiles that a thread transforms and multiplies at once: enough rows for the matrix product, and
// few enough to be in the cache when the next step reads them.
constexpr int64_t kTiles = 96;
// The size of a chunk of transformed tiles for the gradient of the weights, in numbers. It is
// larger, because each chunk reads and writes the whole gradient.
constexpr int64_t kGradientChunk = int64_t{1} << 22;

void check(const at::Tensor& x) {
  TORCH_CHECK(
      x.dim() == 4 && x.is_cpu() &&
          (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16),
      "winograd: images must be float32 or bfloat16 [N,C,H,W] on the CPU");
}

}  // namespace

at::Tensor winograd_convolution(
    const at::Tensor& input,
    const at::Tensor& weight,
    const std::optional<at::Tensor>& bias,
    bool relu) {
  check(input);
  const auto x = input.contiguous(at::MemoryFormat::ChannelsLast);
  const auto inputs = weight.size(1), outputs = weight.size(0);
  const Tiling tiling(x);
  auto result = at::empty(
      {x.size(0), outputs, x.size(2), x.size(3)},
      x.options().memory_format(at::MemoryFormat::ChannelsLast));
  const auto transformed = transform_weights(weight);  // [P,C,K]
  const auto shift = bias.has_value() && bias->defined() ? bias->contiguous()
                                                         : at::zeros({outputs}, weight.options());
  const auto* add = shift.const_data_ptr<float>();
  // Blocks of equal size, and the same number for each thread.
  const auto threads = at::get_num_threads();
  const auto rounds = at::divup(tiling.count(), threads * kTiles);
  const auto block = at::divup(tiling.count(), threads * rounds);
  at::parallel_for(
      0, at::divup(tiling.count(), block), /*grain_size=*/1, [&](int64_t from, int64_t to) {
        const auto tiles = empty_planes(block, inputs, weight.options());
        const auto products = empty_planes(block, outputs, weight.options());
        for (int64_t i = from; i < to; ++i) {
          const auto begin = i * block, end = std::min(begin + block, tiling.count());
          transform_inputs(x, tiling, begin, end, tiles.mutable_data_ptr<float>(), tiles.stride(0));
          auto results = products.narrow(1, 0, end - begin);
          batched_matmul(tiles.narrow(1, 0, end - begin), transformed, results, /*add=*/false);
          transform_outputs(
              products.const_data_ptr<float>(),
              products.stride(0),
              add,
              relu,
              result,
              tiling,
              begin,
              end);
        }
      });
  return result;
}

at::Tensor winograd_weight_gradient(const at::Tensor& input, const at::Tensor& grad_output) {
  check(input);
  check(grad_output);
  const auto x = input.contiguous(at::MemoryFormat::ChannelsLast);
  const auto grad = grad_output.contiguous(at::MemoryFormat::ChannelsLast);
  const auto inputs = x.size(1), outputs = grad.size(1);
  const Tiling tiling(x);
  const auto options = x.options().dtype(at::kFloat);
  auto products = empty_planes(outputs, inputs, options).zero_();
  const auto chunk = std::min(
      std::max<int64_t>(64, kGradientChunk / (kPoints * (inputs + outputs))), tiling.count());
  const auto tile_room = empty_planes(chunk, inputs, options);
  const auto gradient_room = empty_planes(chunk, outputs, options);
  for (int64_t begin = 0; begin < tiling.count(); begin += chunk) {
    const auto end = std::min(begin + chunk, tiling.count());
    auto* tiles = tile_room.mutable_data_ptr<float>();
    auto* gradients = gradient_room.mutable_data_ptr<float>();
    at::parallel_for(begin, end, /*grain_size=*/8, [&](int64_t from, int64_t to) {
      const auto first = from - begin;
      transform_inputs(x, tiling, from, to, tiles + first * inputs, tile_room.stride(0));
      transform_gradients(
          grad, tiling, from, to, gradients + first * outputs, gradient_room.stride(0));
    });
    batched_matmul(
        gradient_room.narrow(1, 0, end - begin).transpose(1, 2),
        tile_room.narrow(1, 0, end - begin),
        products,
        /*add=*/true);
  }
  return gather_weight_gradient(products);
}

}  // namespace maskrcnn::ops
