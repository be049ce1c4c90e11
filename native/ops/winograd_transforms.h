#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

// The linear maps of Winograd's F(2 x 2, 3 x 3) for winograd.cpp, with the matrices A, B and G of
// Lavin and Gray (2015, section 4.1). Images are channels-last.
//
// Letters: N images, C input and K output channels, H W rows and columns; T tiles of 2 x 2 outputs,
// each computed from 4 x 4 inputs; P = 16 points of a transformed tile.

namespace maskrcnn::ops {

constexpr int64_t kPoints = 16;

// The tiles of images with H rows and W columns.
struct Tiling {
  int64_t images, height, width;
  int64_t rows = (height + 1) / 2, columns = (width + 1) / 2;
  int64_t count = images * rows * columns;

  explicit Tiling(const at::Tensor& x) : images(x.size(0)), height(x.size(2)), width(x.size(3)) {}

  // The offset of the first of `channels` numbers of a pixel. The pixel is at (dy, dx) from the top
  // left output of tile t. kOutside if the pixel is outside the image.
  int64_t place(int64_t channels, int64_t t, int64_t dy, int64_t dx) const {
    const auto image = t / (rows * columns), tile = t % (rows * columns);
    const auto y = 2 * (tile / columns) + dy, x = 2 * (tile % columns) + dx;
    if (y < 0 || y >= height || x < 0 || x >= width) return kOutside;
    return ((image * height + y) * width + x) * channels;
  }
  static constexpr int64_t kOutside = -1;
};

// Tiles begin..end of `x` [N,C,H,W] -> [P,T,C]: B^T d B.
void transform_inputs(
    const at::Tensor& x, const Tiling& tiling, int64_t begin, int64_t end, float* out);

// [P,T,K] -> tiles begin..end of `y` [N,K,H,W]: A^T m A, plus the bias.
void transform_outputs(
    const float* products,
    const float* bias,
    const at::Tensor& y,
    const Tiling& tiling,
    int64_t begin,
    int64_t end);

// Tiles begin..end of `grad` [N,K,H,W] -> [P,T,K]: A dy A^T.
void transform_gradients(
    const at::Tensor& grad, const Tiling& tiling, int64_t begin, int64_t end, float* out);

// [K,C,3,3] -> [P,C,K]: G g G^T, where G = [1 0 0; 1/2 1/2 1/2; 1/2 -1/2 1/2; 0 0 1].
at::Tensor transform_weights(const at::Tensor& weight);

// [P,K,C] -> [K,C,3,3]: G^T u G.
at::Tensor gather_weight_gradient(const at::Tensor& products);

}  // namespace maskrcnn::ops
