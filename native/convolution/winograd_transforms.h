#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>

#include "convolution/winograd_planes.h"

// The linear maps of Winograd's F(4 x 4, 3 x 3) for winograd.cpp, with the matrices A, B and G of
// Lavin and Gray (2015, section 4) for the points 0, ±5/8, ±3/2 and infinity. Images are
// channels-last.
//
// Letters: N images, C input and K output channels, H W rows and columns; T tiles of 4 x 4 outputs,
// each computed from 6 x 6 inputs; P = 36 points of a transformed tile.

namespace maskrcnn::ops {

// The tiles along one side of a row of images. If that takes fewer of them, they reach across
// images, which then have a line of zeros between them: the padding of both.
class TilingAxis {
 public:
  TilingAxis(int64_t size, int64_t images)
      : size_(size),
        images_(images),
        per_image_((size + kTile - 1) / kTile),
        shares_((images * (size + 1) + kTile - 2) / kTile < images * per_image_) {}

  int64_t tiles() const {
    return shares_ ? (images_ * (size_ + 1) + kTile - 2) / kTile : images_ * per_image_;
  }

  struct Place {
    int64_t image, pixel;  // image is negative outside of all images
  };
  // The place that is `offset` pixels from the first output of a tile.
  Place at(int64_t tile, int64_t offset) const {
    const auto position = kTile * (shares_ ? tile : tile % per_image_) + offset;
    if (position < 0) return {-1, 0};
    const auto image = shares_ ? position / (size_ + 1) : tile / per_image_;
    const auto pixel = shares_ ? position % (size_ + 1) : position;
    return {pixel < size_ && image < images_ ? image : -1, pixel};
  }

 private:
  int64_t size_, images_, per_image_;
  bool shares_;
};

// The tiles of images [N,C,H,W], which lie side by side in rows and columns.
class Tiling {
 public:
  explicit Tiling(const at::Tensor& x);

  int64_t count() const { return vertical_.tiles() * horizontal_.tiles(); }

  // The pixels [Y,X] that begin `before` rows and columns before the first output of tile t, as
  // indices into N·H·W pixels; negative outside of all images.
  template <int64_t side>
  std::array<int64_t, side * side> pixels(int64_t t, int64_t before) const {
    std::array<TilingAxis::Place, side> rows, columns;
    for (int64_t i = 0; i < side; ++i) {
      rows[i] = vertical_.at(t / horizontal_.tiles(), i - before);
      columns[i] = horizontal_.at(t % horizontal_.tiles(), i - before);
    }
    std::array<int64_t, side * side> pixels;
    for (int64_t i = 0; i < side; ++i) {
      for (int64_t j = 0; j < side; ++j) {
        const auto image = rows[i].image * across_ + columns[j].image;
        const bool is_inside = rows[i].image >= 0 && columns[j].image >= 0 && image < images_;
        pixels[i * side + j] =
            is_inside ? (image * height_ + rows[i].pixel) * width_ + columns[j].pixel : -1;
      }
    }
    return pixels;
  }

 private:
  Tiling(const at::Tensor& x, int64_t across);

  int64_t images_, height_, width_, across_;
  TilingAxis vertical_, horizontal_;
};

// Rows of planes are tiles or output channels, and their columns are channels. The transforms of
// tiles begin..end begin at row `first`.

// `x` [N,C,H,W] -> [P,T,C]: B^T d B.
void transform_inputs(
    const at::Tensor& x,
    const Tiling& tiling,
    int64_t begin,
    int64_t end,
    const Planes& out,
    int64_t first = 0);

// [P,T,K] -> `y` [N,K,H,W]: A^T m A, plus the bias [K], and ReLU if asked.
void transform_outputs(
    const Planes& products,
    const float* bias,
    bool relu,
    const at::Tensor& y,
    const Tiling& tiling,
    int64_t begin,
    int64_t end);

// `grad` [N,K,H,W] -> [P,T,K]: A dy A^T.
void transform_gradients(
    const at::Tensor& grad,
    const Tiling& tiling,
    int64_t begin,
    int64_t end,
    const Planes& out,
    int64_t first = 0);

// [K,C,3,3] -> [P,C,K] in panels: G g G^T.
Planes transform_weights(const at::Tensor& weight);

// [P,K,C] -> [K,C,3,3]: G^T u G.
at::Tensor gather_weight_gradient(const Planes& products, int64_t outputs);

}  // namespace maskrcnn::ops
