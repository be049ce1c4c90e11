#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>

namespace maskrcnn::ops {

// The loops of batch norm over rows of a channels-last map: one row has the numbers of one pixel in
// all channels. Sums within one call are float32, so give few rows at a time to those that add up.
// Results must not overlap arguments.

#define MASKRCNN_BATCH_NORM_KERNELS(Pixel)                                         \
  /* sums[c] += x - shift[c] and squares[c] += (x - shift[c])² */                 \
  void moments_of_block(                                                           \
      const Pixel* x,                                                              \
      const float* shift,                                                          \
      int64_t rows,                                                                \
      int64_t channels,                                                            \
      double* sums,                                                                \
      double* squares);                                                            \
  /* sums[c] += g and products[c] += g · (x - mean[c]) */                         \
  void gradients_of_block(                                                         \
      const Pixel* grad,                                                           \
      const Pixel* x,                                                              \
      const float* mean,                                                           \
      int64_t rows,                                                                \
      int64_t channels,                                                            \
      double* sums,                                                                \
      double* products);                                                           \
  /* result = max(x · scale[c] + shift[c] + addend, least); addend may be null */ \
  void scale_rows(                                                                 \
      const Pixel* x,                                                              \
      const float* scale,                                                          \
      const float* shift,                                                          \
      const Pixel* addend,                                                         \
      float least,                                                                 \
      int64_t rows,                                                                \
      int64_t channels,                                                            \
      Pixel* result);                                                              \
  /* result = g · of_grad[c] - (x - mean[c]) · of_x[c] - constant[c] */          \
  void combine_rows(                                                               \
      const Pixel* grad,                                                           \
      const Pixel* x,                                                              \
      const float* of_grad,                                                        \
      const float* of_x,                                                           \
      const float* mean,                                                           \
      const float* constant,                                                       \
      int64_t rows,                                                                \
      int64_t channels,                                                            \
      Pixel* result);

MASKRCNN_BATCH_NORM_KERNELS(float)
MASKRCNN_BATCH_NORM_KERNELS(c10::BFloat16)
#undef MASKRCNN_BATCH_NORM_KERNELS

}  // namespace maskrcnn::ops
