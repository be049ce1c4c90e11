#include "ops/winograd_transforms.h"

#include <vector>

#include "aten.h"
#include "ops/target_clones.h"

// Letters: N images, C input and K output channels, H W rows and columns; T tiles of 2 x 2 outputs,
// each computed from 4 x 4 inputs; P = 16 points of a transformed tile.

namespace maskrcnn::ops {
namespace {

#define MASKRCNN_VECTORIZED MASKRCNN_TARGET_CLONES("default", "avx2", "avx512f")

// Combines four rows of `length` numbers by B^T = [1 0 -1 0; 0 1 1 0; 0 -1 1 0; 0 1 0 -1].
MASKRCNN_VECTORIZED
void combine_inputs(
    const float* __restrict a,
    const float* __restrict b,
    const float* __restrict c,
    const float* __restrict d,
    float* __restrict r0,
    float* __restrict r1,
    float* __restrict r2,
    float* __restrict r3,
    int64_t length) {
  for (int64_t i = 0; i < length; ++i) {
    r0[i] = a[i] - c[i];
    r1[i] = b[i] + c[i];
    r2[i] = c[i] - b[i];
    r3[i] = b[i] - d[i];
  }
}

// Combines by A^T = [1 1 1 0; 0 1 -1 -1].
MASKRCNN_VECTORIZED
void combine_products(
    const float* __restrict a,
    const float* __restrict b,
    const float* __restrict c,
    const float* __restrict d,
    float* __restrict r0,
    float* __restrict r1,
    int64_t length) {
  for (int64_t i = 0; i < length; ++i) {
    r0[i] = a[i] + b[i] + c[i];
    r1[i] = b[i] - c[i] - d[i];
  }
}

// Combines by A.
MASKRCNN_VECTORIZED
void spread_gradients(
    const float* __restrict a,
    const float* __restrict b,
    float* __restrict r0,
    float* __restrict r1,
    float* __restrict r2,
    float* __restrict r3,
    int64_t length) {
  for (int64_t i = 0; i < length; ++i) {
    r0[i] = a[i];
    r1[i] = a[i] + b[i];
    r2[i] = a[i] - b[i];
    r3[i] = -b[i];
  }
}

MASKRCNN_VECTORIZED
void add_row(
    const float* __restrict from,
    const float* __restrict bias,
    float* __restrict to,
    int64_t length) {
  for (int64_t i = 0; i < length; ++i) to[i] = from[i] + bias[i];
}

template <typename Work>
void for_each_tile(int64_t begin, int64_t end, const Work& work) {
  at::parallel_for(begin, end, /*grain_size=*/8, [&](int64_t from, int64_t to) {
    std::vector<float> scratch;
    for (int64_t t = from; t < to; ++t) work(t, scratch);
  });
}

}  // namespace

void transform_inputs(
    const at::Tensor& x, const Tiling& tiling, int64_t begin, int64_t end, float* out) {
  const auto channels = x.size(1), stride = (end - begin) * channels;
  const auto* data = x.const_data_ptr<float>();
  const std::vector<float> outside(channels, 0.0f);
  for_each_tile(begin, end, [&](int64_t t, std::vector<float>& scratch) {
    scratch.resize(kPoints * channels);
    const auto row = [&](int64_t i, int64_t j) { return scratch.data() + (4 * i + j) * channels; };
    for (int64_t j = 0; j < 4; ++j) {
      const float* d[4];
      for (int64_t i = 0; i < 4; ++i) {
        const auto place = tiling.place(channels, t, i - 1, j - 1);
        d[i] = place == Tiling::kOutside ? outside.data() : data + place;
      }
      combine_inputs(d[0], d[1], d[2], d[3], row(0, j), row(1, j), row(2, j), row(3, j), channels);
    }
    float* to = out + (t - begin) * channels;
    for (int64_t i = 0; i < 4; ++i, to += 4 * stride) {
      combine_inputs(
          row(i, 0),
          row(i, 1),
          row(i, 2),
          row(i, 3),
          to,
          to + stride,
          to + 2 * stride,
          to + 3 * stride,
          channels);
    }
  });
}

void transform_outputs(
    const float* products,
    const float* bias,
    const at::Tensor& y,
    const Tiling& tiling,
    int64_t begin,
    int64_t end) {
  const auto channels = y.size(1), stride = (end - begin) * channels;
  auto* data = y.mutable_data_ptr<float>();
  for_each_tile(begin, end, [&](int64_t t, std::vector<float>& scratch) {
    scratch.resize(10 * channels);
    const auto row = [&](int64_t i) { return scratch.data() + i * channels; };
    const auto* m = products + (t - begin) * channels;
    for (int64_t j = 0; j < 4; ++j) {
      const auto* at = m + j * stride;
      combine_products(
          at, at + 4 * stride, at + 8 * stride, at + 12 * stride, row(j), row(4 + j), channels);
    }
    for (int64_t i = 0; i < 2; ++i) {
      combine_products(
          row(4 * i), row(4 * i + 1), row(4 * i + 2), row(4 * i + 3), row(8), row(9), channels);
      for (int64_t j = 0; j < 2; ++j) {
        const auto place = tiling.place(channels, t, i, j);
        if (place != Tiling::kOutside) add_row(row(8 + j), bias, data + place, channels);
      }
    }
  });
}

void transform_gradients(
    const at::Tensor& grad, const Tiling& tiling, int64_t begin, int64_t end, float* out) {
  const auto channels = grad.size(1), stride = (end - begin) * channels;
  const auto* data = grad.const_data_ptr<float>();
  const std::vector<float> outside(channels, 0.0f);
  for_each_tile(begin, end, [&](int64_t t, std::vector<float>& scratch) {
    scratch.resize(8 * channels);
    const auto row = [&](int64_t i, int64_t j) { return scratch.data() + (2 * i + j) * channels; };
    const auto pixel = [&](int64_t i, int64_t j) {
      const auto place = tiling.place(channels, t, i, j);
      return place == Tiling::kOutside ? outside.data() : data + place;
    };
    for (int64_t j = 0; j < 2; ++j) {
      spread_gradients(
          pixel(0, j), pixel(1, j), row(0, j), row(1, j), row(2, j), row(3, j), channels);
    }
    float* to = out + (t - begin) * channels;
    for (int64_t i = 0; i < 4; ++i, to += 4 * stride) {
      spread_gradients(
          row(i, 0), row(i, 1), to, to + stride, to + 2 * stride, to + 3 * stride, channels);
    }
  });
}

at::Tensor transform_weights(const at::Tensor& weight) {
  const auto outputs = weight.size(0), inputs = weight.size(1);
  auto result = at::empty({kPoints, inputs, outputs}, weight.options().memory_format(std::nullopt));
  const auto plain = weight.contiguous();
  const auto* from = plain.const_data_ptr<float>();
  auto* to = result.mutable_data_ptr<float>();
  const auto stride = outputs * inputs;
  at::parallel_for(0, stride, /*grain_size=*/4096, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const float* g = from + 9 * (i % outputs * inputs + i / outputs);
      float half[4][3];
      for (int j = 0; j < 3; ++j) {
        const float even = 0.5f * (g[j] + g[6 + j]), odd = 0.5f * g[3 + j];
        half[0][j] = g[j];
        half[1][j] = even + odd;
        half[2][j] = even - odd;
        half[3][j] = g[6 + j];
      }
      for (int r = 0; r < 4; ++r) {
        const float even = 0.5f * (half[r][0] + half[r][2]), odd = 0.5f * half[r][1];
        to[(4 * r) * stride + i] = half[r][0];
        to[(4 * r + 1) * stride + i] = even + odd;
        to[(4 * r + 2) * stride + i] = even - odd;
        to[(4 * r + 3) * stride + i] = half[r][2];
      }
    }
  });
  return result;
}

at::Tensor gather_weight_gradient(const at::Tensor& products) {
  const auto outputs = products.size(1), inputs = products.size(2);
  auto result = at::empty({outputs, inputs, 3, 3}, products.options());
  const auto* from = products.const_data_ptr<float>();
  auto* to = result.mutable_data_ptr<float>();
  const auto stride = outputs * inputs;
  at::parallel_for(0, stride, /*grain_size=*/4096, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      float half[3][4];
      for (int j = 0; j < 4; ++j) {
        const auto u = [&](int r) { return from[(4 * r + j) * stride + i]; };
        half[0][j] = u(0) + 0.5f * (u(1) + u(2));
        half[1][j] = 0.5f * (u(1) - u(2));
        half[2][j] = 0.5f * (u(1) + u(2)) + u(3);
      }
      for (int r = 0; r < 3; ++r) {
        const auto* h = half[r];
        to[9 * i + 3 * r] = h[0] + 0.5f * (h[1] + h[2]);
        to[9 * i + 3 * r + 1] = 0.5f * (h[1] - h[2]);
        to[9 * i + 3 * r + 2] = 0.5f * (h[1] + h[2]) + h[3];
      }
    }
  });
  return result;
}

}  // namespace maskrcnn::ops
