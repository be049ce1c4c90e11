#include "kernels/transpose.h"

#include <algorithm>

#include "kernels/lanes.h"
#include "kernels/target_clones.h"

namespace maskrcnn::ops {
namespace {

constexpr int64_t kSquare = 16;

// A square, in registers.
template <typename From, typename To>
MASKRCNN_INLINE void transpose_square(
    const From* from, int64_t from_stride, To* to, int64_t to_stride) {
  typename Lanes<kSquare>::Numbers square[kSquare];
  for (int64_t i = 0; i < kSquare; ++i) square[i] = Lanes<kSquare>::read(from + i * from_stride);
  transpose_lanes<kSquare>(square);
  for (int64_t i = 0; i < kSquare; ++i) Lanes<kSquare>::write(square[i], to + i * to_stride);
}

template <typename From, typename To>
MASKRCNN_INLINE void transpose_all(
    const From* from,
    int64_t from_stride,
    int64_t rows,
    int64_t columns,
    To* to,
    int64_t to_stride) {
  if (rows < kSquare || columns < kSquare) {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < columns; ++j) {
        to[j * to_stride + i] = static_cast<To>(static_cast<float>(from[i * from_stride + j]));
      }
    }
    return;
  }
  // The last squares overlap those before them. What is written stays in the first cache.
  for (int64_t j = 0; j < columns; j += kSquare) {
    const auto column = std::min(j, columns - kSquare);
    for (int64_t i = 0; i < rows; i += kSquare) {
      const auto row = std::min(i, rows - kSquare);
      transpose_square(
          from + row * from_stride + column, from_stride, to + column * to_stride + row, to_stride);
    }
  }
}

}  // namespace

// GCC clones functions for instruction sets, not templates.
#define MASKRCNN_TRANSPOSE(From, To)                                \
  MASKRCNN_TARGET_CLONES("default", "avx2", "avx512f")              \
  void transpose(                                                   \
      const From* from,                                             \
      int64_t from_stride,                                          \
      int64_t rows,                                                 \
      int64_t columns,                                              \
      To* to,                                                       \
      int64_t to_stride) {                                          \
    transpose_all(from, from_stride, rows, columns, to, to_stride); \
  }
MASKRCNN_TRANSPOSE(float, float)
MASKRCNN_TRANSPOSE(float, c10::BFloat16)
MASKRCNN_TRANSPOSE(c10::BFloat16, float)
#undef MASKRCNN_TRANSPOSE

}  // namespace maskrcnn::ops
