#include "convolution/winograd.h"

#include <algorithm>
#include <optional>

#include "aten.h"
#include "convolution/winograd_transforms.h"
#include "kernels/panel_product.h"
#include "kernels/processor.h"

// Letters: N images, C input and K output channels, H W rows and columns; T tiles of 4 x 4 outputs,
// each computed from 6 x 6 inputs; P = 36 points of a transformed tile.

namespace maskrcnn::ops {
namespace {

// Tiles that a thread transforms and multiplies at once: enough rows for the matrix product, and
// few enough to be in the cache when the next step reads them (docs/performance.md).
int64_t tiles_at_once() {
  static const int64_t tiles = core_cache_bytes() >= 2 << 20 ? 96 : 48;
  return tiles;
}
// The size of a chunk of transformed tiles for the gradient of the weights, in numbers. It is
// larger, because each chunk reads and writes the whole gradient.
constexpr int64_t kGradientChunk = int64_t{1} << 22;
// Tiles that are summed at once for that gradient: a panel of them stays in the nearest cache.
constexpr int64_t kSummedTiles = 128;

void check(const at::Tensor& x) {
  TORCH_CHECK(
      x.dim() == 4 && x.is_cpu() &&
          (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16),
      "winograd: images must be float32 or bfloat16 [N,C,H,W] on the CPU");
}

// products [P,T,K] = tiles [P,T,C] · weights [P,C,K], for the first `rows` tiles.
void multiply_tiles(
    const Planes& tiles,
    int64_t rows,
    const Planes& weights,
    int64_t depth,
    const Planes& products) {
  const auto panels = at::divup(weights.columns(), kPanel);
  for (int64_t i = 0; i < kPoints * panels; ++i) {
    const auto point = i / panels, column = i % panels * kPanel, after = i + 1;
    multiply(
        {.rows = rows,
         .depth = depth,
         .columns = kPanel,
         .left = {tiles.at(point, 0, 0), tiles.row_stride()},
         .left_step = 1,
         .panel = weights.at(point, 0, column),
         .result = {products.at(point, 0, column), products.row_stride()},
         .add = false,
         .next = after == kPoints * panels
                     ? nullptr
                     : weights.at(after / panels, 0, after % panels * kPanel)});
  }
}

// products [P,K,C] = gradients [P,T,K]^T · tiles [P,T,C], or += if `add` is set, for the first
// `count` tiles.
void multiply_gradients(
    const Planes& gradients, const Planes& tiles, int64_t count, const Planes& products, bool add) {
  const auto panels = at::divup(tiles.columns(), kPanel);
  at::parallel_for(0, kPoints * panels, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto point = i / panels, column = i % panels * kPanel;
      for (int64_t t = 0; t < count; t += kSummedTiles) {
        multiply(
            {.rows = gradients.columns(),
             .depth = std::min(kSummedTiles, count - t),
             .columns = kPanel,
             .left = {gradients.at(point, t, 0), 1},
             .left_step = gradients.row_stride(),
             .panel = tiles.at(point, t, column),
             .result = {products.at(point, 0, column), products.row_stride()},
             .add = add || t > 0});
      }
    }
  });
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
  if (tiling.count() == 0) return result;
  const auto transformed = transform_weights(weight);
  const auto shift = bias.has_value() && bias->defined() ? bias->contiguous()
                                                         : at::zeros({outputs}, weight.options());
  const auto* add = shift.const_data_ptr<float>();
  // Blocks of equal size, and the same number for each thread.
  const auto threads = at::get_num_threads();
  const auto rounds = at::divup(tiling.count(), threads * tiles_at_once());
  const auto block = at::divup(tiling.count(), threads * rounds);
  at::parallel_for(
      0, at::divup(tiling.count(), block), /*grain_size=*/1, [&](int64_t from, int64_t to) {
        const Planes tiles(block, inputs, Planes::Layout::Rows);
        const Planes products(block, outputs, Planes::Layout::Rows);
        for (int64_t i = from; i < to; ++i) {
          const auto begin = i * block, end = std::min(begin + block, tiling.count());
          transform_inputs(x, tiling, begin, end, tiles);
          multiply_tiles(tiles, end - begin, transformed, inputs, products);
          transform_outputs(products, add, relu, result, tiling, begin, end);
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
  if (tiling.count() == 0) return at::zeros({outputs, inputs, 3, 3}, at::kFloat);
  const auto chunk = std::min(
      std::max<int64_t>(64, kGradientChunk / (kPoints * (inputs + outputs))), tiling.count());
  const Planes tiles(chunk, inputs, Planes::Layout::Panels);
  const Planes gradients(chunk, outputs, Planes::Layout::Rows);
  const Planes products(outputs, inputs, Planes::Layout::Rows);
  for (int64_t begin = 0; begin < tiling.count(); begin += chunk) {
    const auto end = std::min(begin + chunk, tiling.count());
    at::parallel_for(begin, end, /*grain_size=*/8, [&](int64_t from, int64_t to) {
      transform_inputs(x, tiling, from, to, tiles, from - begin);
      transform_gradients(grad, tiling, from, to, gradients, from - begin);
    });
    multiply_gradients(gradients, tiles, end - begin, products, /*add=*/begin > 0);
  }
  return gather_weight_gradient(products, outputs);
}

}  // namespace maskrcnn::ops
