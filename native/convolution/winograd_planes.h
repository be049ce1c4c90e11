#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "kernels/panel_product.h"

// Where Winograd's algorithm keeps transformed tiles, weights and their products.

namespace maskrcnn::ops {

// F(4 x 4, 3 x 3): tiles of 4 x 4 outputs from 6 x 6 inputs.
constexpr int64_t kTile = 4, kSide = kTile + 2, kPoints = kSide * kSide;

// A matrix of float32 for each of the 36 points of a transformed tile. Its numbers are not set.
class Planes {
 public:
  enum class Layout {
    Rows,    // row after row: the left matrix of a product, or its result
    Panels,  // 64 columns after 64 columns: the right matrix (panel_product.h)
  };
  // There is room for columns up to the next multiple of 64.
  Planes(int64_t rows, int64_t columns, Layout layout);

  float* at(int64_t point, int64_t row, int64_t column) const {
    return data_ + point * plane_stride_ + row * row_stride_ + column / kPanel * panel_stride_ +
           column % kPanel;
  }
  int64_t columns() const { return columns_; }
  // From a number to the one in the next row, or in the next plane.
  int64_t row_stride() const { return row_stride_; }
  int64_t plane_stride() const { return plane_stride_; }

 private:
  int64_t columns_, row_stride_, panel_stride_, plane_stride_;
  at::Tensor memory_;
  float* data_;
};

}  // namespace maskrcnn::ops
