#include <algorithm>

#include "aten.h"
#include "convolution/winograd_points.h"
#include "convolution/winograd_transforms.h"

// Letters: C input and K output channels; P = 36 points of a transformed tile.

namespace maskrcnn::ops {

using namespace winograd;

namespace {

// Each of the following combines rows of `lanes` numbers by one of the matrices. The rows of the
// argument are `from_step` apart, those of the result `step`.

// By G.
template <int64_t lanes>
MASKRCNN_INLINE void spread_weights(const float* g, int64_t from_step, float* to, int64_t step) {
  MASKRCNN_INDEPENDENT
  for (int64_t i = 0; i < lanes; ++i) {
    const float g0 = g[i], g1 = g[from_step + i], g2 = g[2 * from_step + i];
    const float even_a = at_a * (g0 + aa * g2), odd_a = at_a * a * g1;
    const float even_b = at_b * (g0 + bb * g2), odd_b = at_b * b * g1;
    to[i] = at_zero * g0;
    to[step + i] = even_a + odd_a;
    to[2 * step + i] = even_a - odd_a;
    to[3 * step + i] = even_b + odd_b;
    to[4 * step + i] = even_b - odd_b;
    to[5 * step + i] = g2;
  }
}

// By G^T.
template <int64_t lanes>
MASKRCNN_INLINE void gather_weights(const float* u, int64_t from_step, float* to, int64_t step) {
  MASKRCNN_INDEPENDENT
  for (int64_t i = 0; i < lanes; ++i) {
    const float* at = u + i;
    const float u0 = at[0], u1 = at[from_step], u2 = at[2 * from_step], u3 = at[3 * from_step],
                u4 = at[4 * from_step], u5 = at[5 * from_step];
    const float sum_a = at_a * (u1 + u2), sum_b = at_b * (u3 + u4);
    to[i] = at_zero * u0 + sum_a + sum_b;
    to[step + i] = at_a * a * (u1 - u2) + at_b * b * (u3 - u4);
    to[2 * step + i] = aa * sum_a + bb * sum_b + u5;
  }
}

struct WeightRow {
  const float* from;  // [K,C,9] at one input channel and the first of some output channels
  int64_t inputs;
  float* to;  // [P,C,K] at the same place
  int64_t stride;

  template <int64_t lanes>
  MASKRCNN_INLINE void run(int64_t k) const {
    float taps[9 * lanes], half[kSide * 3 * lanes];
    for (int64_t i = 0; i < lanes; ++i) {
      for (int64_t tap = 0; tap < 9; ++tap) {
        taps[tap * lanes + i] = from[(k + i) * inputs * 9 + tap];
      }
    }
    for (int64_t j = 0; j < 3; ++j) {
      spread_weights<lanes>(taps + j * lanes, 3 * lanes, half + j * lanes, 3 * lanes);
    }
    for (int64_t i = 0; i < kSide; ++i) {
      spread_weights<lanes>(half + i * 3 * lanes, lanes, to + i * kSide * stride + k, stride);
    }
  }
};

struct WeightGradientRow {
  const float* from;  // [P,K,C] at one output channel
  int64_t stride;
  float* to;  // [K,C,9] at that channel

  template <int64_t lanes>
  MASKRCNN_INLINE void run(int64_t c) const {
    float half[3 * kSide * lanes];
    for (int64_t j = 0; j < kSide; ++j) {
      const auto* column = from + j * stride + c;
      gather_weights<lanes>(column, kSide * stride, half + j * lanes, kSide * lanes);
    }
    for (int64_t i = 0; i < 3; ++i) {
      float row[3 * lanes];
      gather_weights<lanes>(half + i * kSide * lanes, lanes, row, lanes);
      for (int64_t k = 0; k < lanes; ++k) {
        for (int64_t j = 0; j < 3; ++j) to[(c + k) * 9 + i * 3 + j] = row[j * lanes + k];
      }
    }
  }
};

// Lanes first..first + kLanes of the rows of all input channels: neighbouring rows share lines of
// the cache.
MASKRCNN_VECTORIZED void transform_weight_columns(
    const float* from, int64_t inputs, int64_t first, const Planes& to) {
  const auto count = std::min(kLanes, to.columns() - first);
  for (int64_t c = 0; c < inputs; ++c) {
    const WeightRow row{
        from + (first * inputs + c) * 9, inputs, to.at(0, c, first), to.plane_stride()};
    for_channels(count, row);
  }
}

MASKRCNN_VECTORIZED void gather_weight_row(const WeightGradientRow& row, int64_t inputs) {
  for_channels(inputs, row);
}

}  // namespace

Planes transform_weights(const at::Tensor& weight) {
  const auto outputs = weight.size(0), inputs = weight.size(1);
  Planes result(inputs, outputs, Planes::Layout::Panels);
  const auto plain = weight.contiguous();
  const auto* from = plain.const_data_ptr<float>();
  at::parallel_for(
      0, at::divup(outputs, kLanes), /*grain_size=*/1, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          transform_weight_columns(from, inputs, i * kLanes, result);
        }
      });
  return result;
}

at::Tensor gather_weight_gradient(const Planes& products, int64_t outputs) {
  const auto inputs = products.columns();
  auto result = at::empty({outputs, inputs, 3, 3}, at::kFloat);
  auto* to = result.mutable_data_ptr<float>();
  at::parallel_for(0, outputs, /*grain_size=*/16, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      const WeightGradientRow row{
          products.at(0, k, 0), products.plane_stride(), to + k * inputs * 9};
      gather_weight_row(row, inputs);
    }
  });
  return result;
}

}  // namespace maskrcnn::ops
