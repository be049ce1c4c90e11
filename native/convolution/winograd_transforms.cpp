#include "convolution/winograd_transforms.h"

#include "aten.h"
#include "convolution/winograd_points.h"

// Letters: N images, C input and K output channels, H W rows and columns; T tiles of 4 x 4 outputs,
// each computed from 6 x 6 inputs; P = 36 points of a transformed tile.

namespace maskrcnn::ops {

using namespace winograd;

namespace {

// Each of the following combines vectors of channels by one of the matrices.

// By B^T.
template <typename V>
MASKRCNN_INLINE void combine_inputs(const V (&d)[kSide], V (&to)[kSide]) {
  const V even_a = d[4] - bb * d[2], odd_a = a * (d[3] - bb * d[1]);
  const V even_b = d[4] - aa * d[2], odd_b = b * (d[3] - aa * d[1]);
  to[0] = aa * bb * d[0] - (aa + bb) * d[2] + d[4];
  to[1] = even_a + odd_a;
  to[2] = even_a - odd_a;
  to[3] = even_b + odd_b;
  to[4] = even_b - odd_b;
  to[5] = aa * bb * d[1] - (aa + bb) * d[3] + d[5];
}

// By A^T.
template <typename V>
MASKRCNN_INLINE void combine_products(const V (&m)[kSide], V (&to)[kTile]) {
  const V sum_a = m[1] + m[2], difference_a = m[1] - m[2];
  const V sum_b = m[3] + m[4], difference_b = m[3] - m[4];
  to[0] = m[0] + sum_a + sum_b;
  to[1] = a * difference_a + b * difference_b;
  to[2] = aa * sum_a + bb * sum_b;
  to[3] = a * aa * difference_a + b * bb * difference_b + m[5];
}

// By A.
template <typename V>
MASKRCNN_INLINE void spread_gradients(const V (&y)[kTile], V (&to)[kSide]) {
  const V even_a = y[0] + aa * y[2], odd_a = a * (y[1] + aa * y[3]);
  const V even_b = y[0] + bb * y[2], odd_b = b * (y[1] + bb * y[3]);
  to[0] = y[0];
  to[1] = even_a + odd_a;
  to[2] = even_a - odd_a;
  to[3] = even_b + odd_b;
  to[4] = even_b - odd_b;
  to[5] = y[3];
}

struct CombineInputs {
  static constexpr int64_t from = kSide, to = kSide;
  template <typename V>
  MASKRCNN_INLINE static void run(const V (&x)[from], V (&y)[to]) {
    combine_inputs(x, y);
  }
};
struct CombineProducts {
  static constexpr int64_t from = kSide, to = kTile;
  template <typename V>
  MASKRCNN_INLINE static void run(const V (&x)[from], V (&y)[to]) {
    combine_products(x, y);
  }
};
struct SpreadGradients {
  static constexpr int64_t from = kTile, to = kSide;
  template <typename V>
  MASKRCNN_INLINE static void run(const V (&x)[from], V (&y)[to]) {
    spread_gradients(x, y);
  }
};

// The product of a matrix, a square and the transposed matrix: first over the columns of the
// square, then over the rows of what these give. `read` gets a row and a column and gives a vector;
// `write` gets them and a vector.
template <typename Matrix, typename V, typename Read, typename Write>
MASKRCNN_INLINE void transform_square(const Read& read, const Write& write) {
  V half[Matrix::to][Matrix::from];
  MASKRCNN_UNROLLED
  for (int64_t j = 0; j < Matrix::from; ++j) {
    V column[Matrix::from], combined[Matrix::to];
    MASKRCNN_UNROLLED
    for (int64_t i = 0; i < Matrix::from; ++i) column[i] = read(i, j);
    Matrix::run(column, combined);
    MASKRCNN_UNROLLED
    for (int64_t i = 0; i < Matrix::to; ++i) half[i][j] = combined[i];
  }
  MASKRCNN_UNROLLED
  for (int64_t i = 0; i < Matrix::to; ++i) {
    V combined[Matrix::to];
    Matrix::run(half[i], combined);
    MASKRCNN_UNROLLED
    for (int64_t j = 0; j < Matrix::to; ++j) write(i, j, combined[j]);
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

  // Fetches a channel of all pixels into the cache. They are far apart, so the processor does not
  // guess that they are needed.
  template <int for_writing>
  MASKRCNN_INLINE void fetch(int64_t c) const {
    for (int64_t i = 0; i < side * side; ++i) {
      if (at[i]) MASKRCNN_FETCH(at[i] + c, for_writing);
    }
  }
};

template <typename Matrix, typename T>
struct TileToPoints {
  static constexpr int64_t side = Matrix::from;
  const Pixels<side, const T>& pixels;
  const Pixels<side, const T>& next;  // those of the next tile
  const Planes& out;
  int64_t row;

  template <int64_t lanes>
  MASKRCNN_INLINE void run(int64_t c) const {
    static const T zeros[kLanes] = {};
    const auto stride = out.plane_stride();
    auto* first = out.at(0, row, c);
    next.template fetch<0>(c);
    transform_square<Matrix, typename Lanes<lanes>::Numbers>(
        [&](int64_t i, int64_t j) MASKRCNN_INLINED {
          const auto* pixel = pixels.at[i * side + j];
          return Lanes<lanes>::read(pixel ? pixel + c : zeros);
        },
        [&](int64_t i, int64_t j, const auto& numbers)
            MASKRCNN_INLINED { Lanes<lanes>::write(numbers, first + (i * kSide + j) * stride); });
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
  const Pixels<kTile, T>& next;  // those of the next tile

  template <int64_t lanes>
  MASKRCNN_INLINE void run(int64_t c) const {
    const auto stride = products.plane_stride();
    const auto* first = products.at(0, row, c);
    const auto offset = Lanes<lanes>::read(bias + c);
    next.template fetch<1>(c);
    transform_square<CombineProducts, typename Lanes<lanes>::Numbers>(
        [&](int64_t i, int64_t j)
            MASKRCNN_INLINED { return Lanes<lanes>::read(first + (i * kSide + j) * stride); },
        [&](int64_t i, int64_t j, const auto& numbers) MASKRCNN_INLINED {
          auto* pixel = pixels.at[i * kTile + j];
          if (!pixel) return;
          const auto value = numbers + offset;
          Lanes<lanes>::write(relu ? Lanes<lanes>::positive(value) : value, pixel + c);
        });
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
      const Pixels<kSide, const T> next(
          x.const_data_ptr<T>(), channels, tiling, t + 1, /*before=*/1);
      transform_tile(InputTile<T>{pixels, next, out, first + t - begin}, channels);
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
      const Pixels<kTile, T> next(y.mutable_data_ptr<T>(), channels, tiling, t + 1, /*before=*/0);
      transform_tile(OutputTile<T>{products, t - begin, bias, relu, pixels, next}, channels);
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
      const Pixels<kTile, const T> next(
          grad.const_data_ptr<T>(), channels, tiling, t + 1, /*before=*/0);
      transform_tile(GradientTile<T>{pixels, next, out, first + t - begin}, channels);
    }
  });
}

}  // namespace maskrcnn::ops
