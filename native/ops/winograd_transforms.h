#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

// The linear maps of Winograd's F(4 x 4, 3 x 3) for winograd.cpp, with the matrices A, B and G of
// Lavin and Gray (2015, section 4) for the points 0, ±5/8, ±3/2 and infinity. Images are
// channels-last.
//
// Letters: N images, C input and K output channels, H W rows and columns; T tiles of 4 x 4 outputs,
// each computed from 6 x 6 inputs; P = 36 points of a transformed tile.

namespace maskrcnn::ops {

constexpr int64_t kTile = 4, kSide = kTile + 2, kPoints = kSide * kSide;

// The tiles of images with H rows and W columns.
struct Tiling {
  int64_t images, height, width;
  int64_t rows = (height + kTile - 1) / kTile, columns = (width + kTile - 1) / kTile;
  int64_t count = images * rows * columns;

  explicit Tiling(const at::Tensor& x) : images(x.size(0)), height(x.size(2)), width(x.size(3)) {}
};

// Room for [P,rows,columns] of such numbers. The planes are a little apart, because
// lines of memory that are a power of two apart take each other's place in the cache.
at::Tensor empty_planes(int64_t rows, int64_t columns, const at::TensorOptions& options);

// A transformed tile is P rows of C or K numbers, one in each of P planes that are `stride` numbers
// apart.

// Tiles begin..end of `x` [N,C,H,W] -> [P,T,C]: B^T d B.
void transform_inputs(
    const at::Tensor& x,
    const Tiling& tiling,
    int64_t begin,
    int64_t end,
    float* out,
    int64_t stride);

// [P,T,K] -> tiles begin..end of `y` [N,K,H,W]: A^T m A, plus the bias [K], and ReLU if asked.
void transform_outputs(
    const float* products,
    int64_t stride,
    const float* bias,
    bool relu,
    const at::Tensor& y,
    const Tiling& tiling,
    int64_t begin,
    int64_t end);

// Tiles begin..end of `grad` [N,K,H,W] -> [P,T,K]: A dy A^T.
void transform_gradients(
    const at::Tensor& grad,
    const Tiling& tiling,
    int64_t begin,
    int64_t end,
    float* out,
    int64_t stride);

// [K,C,3,3] -> [P,C,K]: G g G^T.
at::Tensor transform_weights(const at::Tensor& weight);

// [P,K,C] -> [K,C,3,3]: G^T u G.
at::Tensor gather_weight_gradient(const at::Tensor& products);

}  // namespace maskrcnn::ops
