#include "ops/winograd_transforms.h"

#include "aten.h"
#include "ops/winograd_points.h"

// Letters: N images, C input and K output channels, H W rows and columns; T tiles of 4 x 4 outputs,
// each computed from 6 x 6 inputs; P = 36 points of a transformed tile.

namespace maskrcnn::ops {

using namespace winograd;

namespace {

// Each of the following combines rows of `lanes` numbers by one of the matrices. The rows of the
// result are `step` apart.

// By B^T.
template <int64_t lanes, typename T>
MASKRCNN_INLINE void combine_inputs(const T* const* d, float* to, int64_t step) {
  MASKRCNN_INDEPENDENT
  for (int64_t i = 0; i < lanes; ++i) {
    const float d0 = d[0][i], d1 = d[1][i], d2 = d[2][i], d3 = d[3][i], d4 = d[4][i], d5 = d[5][i];
    const float even_a = d4 - bb * d2, odd_a = a * (d3 - bb * d1);
    const float even_b = d4 - aa * d2, odd_b = b * (d3 - aa * d1);
    to[i] = aa * bb * d0 - (aa + bb) * d2 + d4;
    to[step + i] = even_a + odd_a;
    to[2 * step + i] = even_a - odd_a;
    to[3 * step + i] = even_b + odd_b;
    to[4 * step + i] = even_b - odd_b;
    to[5 * step + i] = aa * bb * d1 - (aa + bb) * d3 + d5;
  }
}

// By A^T.
template <int64_t lanes>
MASKRCNN_INLINE void combine_products(const float* m, int64_t from_step, float* to, int64_t step) {
  MASKRCNN_INDEPENDENT
  for (int64_t i = 0; i < lanes; ++i) {
    const float* at = m + i;
    const float m0 = at[0], m1 = at[from_step], m2 = at[2 * from_step], m3 = at[3 * from_step],
                m4 = at[4 * from_step], m5 = at[5 * from_step];
    const float sum_a = m1 + m2, difference_a = m1 - m2;
    const float sum_b = m3 + m4, difference_b = m3 - m4;
    to[i] = m0 + sum_a + sum_b;
    to[step + i] = a * difference_a + b * difference_b;
    to[2 * step + i] = aa * sum_a + bb * sum_b;
    to[3 * step + i] = a * aa * difference_a + b * bb * difference_b + m5;
  }
}

// By A.
template <int64_t lanes, typename T>
MASKRCNN_INLINE void spread_gradients(const T* const* y, float* to, int64_t step) {
  MASKRCNN_INDEPENDENT
  for (int64_t i = 0; i < lanes; ++i) {
    const float y0 = y[0][i], y1 = y[1][i], y2 = y[2][i], y3 = y[3][i];
    const float even_a = y0 + aa * y2, odd_a = a * (y1 + aa * y3);
    const float even_b = y0 + bb * y2, odd_b = b * (y1 + bb * y3);
    to[i] = y0;
    to[step + i] = even_a + odd_a;
    to[2 * step + i] = even_a - odd_a;
    to[3 * step + i] = even_b + odd_b;
    to[4 * step + i] = even_b - odd_b;
    to[5 * step + i] = y3;
  }
}

// The pixels of a tile, row by row: the first channel of each. Those outside the image are null.
template <int64_t side, typename T>
struct Pixels {
  T* at[side * side];

  Pixels(T* data, int64_t channels, const Tiling& tiling, int64_t t, int64_t before) {
    const auto places = tiling.pixels<side>(t, before);
    for (int64_t i = 0; i < side * side; ++i) {
      at[i] = places[i] < 0 ? nullptr : data + places[i] * channels;
    }
  }
};

template <int64_t side, typename T>
MASKRCNN_INLINE void column_at(
    const Pixels<side, const T>& pixels, int64_t j, int64_t c, const T** column) {
  static const T zeros[kLanes] = {};
  for (int64_t i = 0; i < side; ++i) {
    const auto* pixel = pixels.at[i * side + j];
    column[i] = pixel ? pixel + c : zeros;
  }
}

struct CombineInputs {
  static constexpr int64_t side = kSide;
  template <int64_t lanes, typename T>
  MASKRCNN_INLINE static void run(const T* const* from, float* to, int64_t step) {
    combine_inputs<lanes>(from, to, step);
  }
};

struct SpreadGradients {
  static constexpr int64_t side = kTile;
  template <int64_t lanes, typename T>
  MASKRCNN_INLINE static void run(const T* const* from, float* to, int64_t step) {
    spread_gradients<lanes>(from, to, step);
  }
};

// Two passes of a matrix, over the columns of a tile and then over the rows of what these give.
template <typename Matrix, typename T>
struct TileToPoints {
  static constexpr int64_t side = Matrix::side;
  const Pixels<side, const T>& pixels;
  const Planes& out;
  int64_t row;

  template <int64_t lanes>
  MASKRCNN_INLINE void run(int64_t c) const {
    const auto stride = out.plane_stride();
    auto* first = out.at(0, row, c);
    float half[kSide * side * lanes];
    for (int64_t j = 0; j < side; ++j) {
      const T* column[side];
      column_at(pixels, j, c, column);
      Matrix::template run<lanes>(column, half + j * lanes, side * lanes);
    }
    for (int64_t i = 0; i < kSide; ++i) {
      const float* line[side];
      for (int64_t j = 0; j < side; ++j) line[j] = half + (i * side + j) * lanes;
      Matrix::template run<lanes>(line, first + i * kSide * stride, stride);
    }
  }
};

template <typename T>
using InputTile = TileToPoints<CombineInputs, T>;
template <typename T>
using GradientTile = TileToPoints<SpreadGradients, T>;

template <typename T>
struct OutputTile {
  const Planes& products;
  int64_t row;
  const float* bias;
  bool relu;
  const Pixels<kTile, T>& pixels;

  template <int64_t lanes>
  MASKRCNN_INLINE void run(int64_t c) const {
    const auto stride = products.plane_stride();
    const auto* first = products.at(0, row, c);
    float half[kTile * kSide * lanes];
    for (int64_t j = 0; j < kSide; ++j) {
      const auto* column = first + j * stride;
      combine_products<lanes>(column, kSide * stride, half + j * lanes, kSide * lanes);
    }
    for (int64_t i = 0; i < kTile; ++i) {
      float line[kTile * lanes];
      combine_products<lanes>(half + i * kSide * lanes, lanes, line, lanes);
      for (int64_t j = 0; j < kTile; ++j) {
        auto* pixel = pixels.at[i * kTile + j];
        if (!pixel) continue;
        for (int64_t k = 0; k < lanes; ++k) {
          const float value = line[j * lanes + k] + bias[c + k];
          pixel[c + k] = static_cast<T>(relu && value < 0 ? 0 : value);
        }
      }
    }
  }
};

#define MASKRCNN_TRANSFORM_TILE(Tile)                                           \
  MASKRCNN_VECTORIZED void transform_tile(const Tile& tile, int64_t channels) { \
    for_channels(channels, tile);                                               \
  }
MASKRCNN_TRANSFORM_TILE(InputTile<float>)
MASKRCNN_TRANSFORM_TILE(InputTile<at::BFloat16>)
MASKRCNN_TRANSFORM_TILE(GradientTile<float>)
MASKRCNN_TRANSFORM_TILE(GradientTile<at::BFloat16>)
MASKRCNN_TRANSFORM_TILE(OutputTile<float>)
MASKRCNN_TRANSFORM_TILE(OutputTile<at::BFloat16>)

// Calls work(T()) with the type of the numbers of `x`.
template <typename Work>
void for_type_of(const at::Tensor& x, const Work& work) {
  if (x.scalar_type() == at::kBFloat16) {
    work(at::BFloat16());
  } else {
    work(float());
  }
}

}  // namespace

Tiling::Tiling(const at::Tensor& x, int64_t across)
    : images_(x.size(0)),
      height_(x.size(2)),
      width_(x.size(3)),
      across_(across),
      vertical_(height_, at::divup(images_, across)),
      horizontal_(width_, across) {}

Tiling::Tiling(const at::Tensor& x) : Tiling(x, 1) {
  for (int64_t across = 2; across * across <= images_; ++across) {
    const Tiling other(x, across);
    if (other.count() < count()) *this = other;
  }
}

void transform_inputs(
    const at::Tensor& x,
    const Tiling& tiling,
    int64_t begin,
    int64_t end,
    const Planes& out,
    int64_t first) {
  const auto channels = x.size(1);
  for_type_of(x, [&]<typename T>(T) {
    for (int64_t t = begin; t < end; ++t) {
      const Pixels<kSide, const T> pixels(x.const_data_ptr<T>(), channels, tiling, t, /*before=*/1);
      transform_tile(InputTile<T>{pixels, out, first + t - begin}, channels);
    }
  });
}

void transform_outputs(
    const Planes& products,
    const float* bias,
    bool relu,
    const at::Tensor& y,
    const Tiling& tiling,
    int64_t begin,
    int64_t end) {
  const auto channels = y.size(1);
  for_type_of(y, [&]<typename T>(T) {
    for (int64_t t = begin; t < end; ++t) {
      const Pixels<kTile, T> pixels(y.mutable_data_ptr<T>(), channels, tiling, t, /*before=*/0);
      transform_tile(OutputTile<T>{products, t - begin, bias, relu, pixels}, channels);
    }
  });
}

void transform_gradients(
    const at::Tensor& grad,
    const Tiling& tiling,
    int64_t begin,
    int64_t end,
    const Planes& out,
    int64_t first) {
  const auto channels = grad.size(1);
  for_type_of(grad, [&]<typename T>(T) {
    for (int64_t t = begin; t < end; ++t) {
      const Pixels<kTile, const T> pixels(
          grad.const_data_ptr<T>(), channels, tiling, t, /*before=*/0);
      transform_tile(GradientTile<T>{pixels, out, first + t - begin}, channels);
    }
  });
}

}  // namespace maskrcnn::ops
