#include "ops/batch_norm_kernels.h"

#include <cstring>

#include "kernels/target_clones.h"

namespace maskrcnn::ops {
namespace {

// Channels whose sums stay in registers while the rows pass by.
constexpr int64_t kLanes = 16;
// Eight numbers in a register. GCC does not vectorize loops over plain arrays that it unrolls.
using Floats = float __attribute__((vector_size(32)));
constexpr int64_t kVectors = kLanes / 8;

inline __attribute__((always_inline)) void load(const float* x, Floats& values) {
  std::memcpy(&values, x, sizeof(values));
}

inline __attribute__((always_inline)) void load(const c10::BFloat16* x, Floats& values) {
  using Halves = uint16_t __attribute__((vector_size(16)));
  using Words = uint32_t __attribute__((vector_size(32)));
  Halves halves;
  std::memcpy(&halves, x, sizeof(halves));
  // A bfloat16 is the upper half of a float32.
  values = (Floats)(__builtin_convertvector(halves, Words) << 16);
}

inline __attribute__((always_inline)) void add_to(double* sums, const Floats& values) {
  for (int i = 0; i < 8; ++i) sums[i] += values[i];
}

// sums[c] += x - shift[c] and squares[c] += (x - shift[c])² over `rows` rows, for kLanes channels.
template <typename Pixel>
inline __attribute__((always_inline)) void add_moments(
    const Pixel* x,
    const float* shift,
    int64_t rows,
    int64_t stride,
    double* sums,
    double* squares) {
  Floats sum[kVectors] = {}, square[kVectors] = {}, middle[kVectors];
  std::memcpy(&middle, shift, sizeof(middle));
  for (int64_t r = 0; r < rows; ++r, x += stride) {
    for (int64_t i = 0; i < kVectors; ++i) {
      Floats value;
      load(x + 8 * i, value);
      value -= middle[i];
      sum[i] += value;
      square[i] += value * value;
    }
  }
  for (int64_t i = 0; i < kVectors; ++i) {
    add_to(sums + 8 * i, sum[i]);
    add_to(squares + 8 * i, square[i]);
  }
}

// The same for one channel.
template <typename Pixel>
inline __attribute__((always_inline)) void add_moments_of_one(
    const Pixel* x, float shift, int64_t rows, int64_t stride, double* sums, double* squares) {
  float sum = 0, square = 0;
  for (int64_t r = 0; r < rows; ++r, x += stride) {
    const float value = static_cast<float>(*x) - shift;
    sum += value;
    square += value * value;
  }
  *sums += sum;
  *squares += square;
}

// sums[c] += g and products[c] += g · (x - mean[c]), likewise.
template <typename Pixel>
inline __attribute__((always_inline)) void add_gradients(
    const Pixel* grad,
    const Pixel* x,
    const float* mean,
    int64_t rows,
    int64_t stride,
    double* sums,
    double* products) {
  Floats sum[kVectors] = {}, product[kVectors] = {}, middle[kVectors];
  std::memcpy(&middle, mean, sizeof(middle));
  for (int64_t r = 0; r < rows; ++r, x += stride, grad += stride) {
    for (int64_t i = 0; i < kVectors; ++i) {
      Floats value, of_x;
      load(grad + 8 * i, value);
      load(x + 8 * i, of_x);
      sum[i] += value;
      product[i] += value * (of_x - middle[i]);
    }
  }
  for (int64_t i = 0; i < kVectors; ++i) {
    add_to(sums + 8 * i, sum[i]);
    add_to(products + 8 * i, product[i]);
  }
}

template <typename Pixel>
inline __attribute__((always_inline)) void add_gradients_of_one(
    const Pixel* grad,
    const Pixel* x,
    float mean,
    int64_t rows,
    int64_t stride,
    double* sums,
    double* products) {
  float sum = 0, product = 0;
  for (int64_t r = 0; r < rows; ++r, x += stride, grad += stride) {
    const float value = static_cast<float>(*grad);
    sum += value;
    product += value * (static_cast<float>(*x) - mean);
  }
  *sums += sum;
  *products += product;
}

template <typename Pixel>
inline __attribute__((always_inline)) float scaled(Pixel x, float scale, float shift) {
  return static_cast<float>(x) * scale + shift;
}

// NaN stays.
inline __attribute__((always_inline)) float at_least(float value, float least) {
  return value < least ? least : value;
}

}  // namespace

// GCC clones functions for instruction sets, not templates.
#define MASKRCNN_BATCH_NORM_KERNELS(Pixel)                                                        \
  MASKRCNN_TARGET_CLONES("default", "avx2", "avx512f")                                            \
  void moments_of_block(                                                                          \
      const Pixel* x,                                                                             \
      const float* shift,                                                                         \
      int64_t rows,                                                                               \
      int64_t channels,                                                                           \
      double* sums,                                                                               \
      double* squares) {                                                                          \
    int64_t c = 0;                                                                                \
    for (; c + kLanes <= channels; c += kLanes)                                                   \
      add_moments(x + c, shift + c, rows, channels, sums + c, squares + c);                       \
    for (; c < channels; ++c)                                                                     \
      add_moments_of_one(x + c, shift[c], rows, channels, sums + c, squares + c);                 \
  }                                                                                               \
  MASKRCNN_TARGET_CLONES("default", "avx2", "avx512f")                                            \
  void gradients_of_block(                                                                        \
      const Pixel* grad,                                                                          \
      const Pixel* x,                                                                             \
      const float* mean,                                                                          \
      int64_t rows,                                                                               \
      int64_t channels,                                                                           \
      double* sums,                                                                               \
      double* products) {                                                                         \
    int64_t c = 0;                                                                                \
    for (; c + kLanes <= channels; c += kLanes)                                                   \
      add_gradients(grad + c, x + c, mean + c, rows, channels, sums + c, products + c);           \
    for (; c < channels; ++c)                                                                     \
      add_gradients_of_one(grad + c, x + c, mean[c], rows, channels, sums + c, products + c);     \
  }                                                                                               \
  MASKRCNN_TARGET_CLONES("default", "avx2", "avx512f")                                            \
  void scale_rows(                                                                                \
      const Pixel* __restrict x,                                                                  \
      const float* __restrict scale,                                                              \
      const float* __restrict shift,                                                              \
      const Pixel* __restrict addend,                                                             \
      float least,                                                                                \
      int64_t rows,                                                                               \
      int64_t channels,                                                                           \
      Pixel* __restrict result) {                                                                 \
    for (int64_t r = 0; r < rows; ++r, x += channels, result += channels) {                       \
      if (addend != nullptr) {                                                                    \
        for (int64_t c = 0; c < channels; ++c)                                                    \
          result[c] = static_cast<Pixel>(                                                         \
              at_least(scaled(x[c], scale[c], shift[c]) + static_cast<float>(addend[c]), least)); \
        addend += channels;                                                                       \
      } else {                                                                                    \
        for (int64_t c = 0; c < channels; ++c)                                                    \
          result[c] = static_cast<Pixel>(at_least(scaled(x[c], scale[c], shift[c]), least));      \
      }                                                                                           \
    }                                                                                             \
  }                                                                                               \
  MASKRCNN_TARGET_CLONES("default", "avx2", "avx512f")                                            \
  void combine_rows(                                                                              \
      const Pixel* __restrict grad,                                                               \
      const Pixel* __restrict x,                                                                  \
      const float* __restrict of_grad,                                                            \
      const float* __restrict of_x,                                                               \
      const float* __restrict mean,                                                               \
      const float* __restrict constant,                                                           \
      int64_t rows,                                                                               \
      int64_t channels,                                                                           \
      Pixel* __restrict result) {                                                                 \
    for (int64_t r = 0; r < rows; ++r, x += channels, grad += channels, result += channels)       \
      for (int64_t c = 0; c < channels; ++c)                                                      \
        result[c] = static_cast<Pixel>(                                                           \
            static_cast<float>(grad[c]) * of_grad[c] -                                            \
            (static_cast<float>(x[c]) - mean[c]) * of_x[c] - constant[c]);                        \
  }

MASKRCNN_BATCH_NORM_KERNELS(float)
MASKRCNN_BATCH_NORM_KERNELS(c10::BFloat16)
#undef MASKRCNN_BATCH_NORM_KERNELS

}  // namespace maskrcnn::ops
