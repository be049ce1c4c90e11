#include "ops/transpose.h"

#include <algorithm>

#include "ops/lanes.h"
#include "ops/target_clones.h"

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
MASKRCNN_INLINE void transpose_all(const From* from, int64_t rows, int64_t columns, To* to) {
  if (rows < kSquare || columns < kSquare) {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < columns; ++j) {
        to[j * rows + i] = static_cast<To>(static_cast<float>(from[i * columns + j]));
      }
    }
    return;
  }
  // The last squares overlap those before them. What is written stays in the first cache.
  for (int64_t j = 0; j < columns; j += kSquare) {
    const auto column = std::min(j, columns - kSquare);
    for (int64_t i = 0; i < rows; i += kSquare) {
      const auto row = std::min(i, rows - kSquare);
      transpose_square(from + row * columns + column, columns, to + column * rows + row, rows);
    }
  }
}

}  // namespace

MASKRCNN_TARGET_CLONES("default", "avx2", "avx512f")
void transpose(const float* from, int64_t rows, int64_t columns, float* to) {
  transpose_all(from, rows, columns, to);
}

MASKRCNN_TARGET_CLONES("default", "avx2", "avx512f")
void transpose(const float* from, int64_t rows, int64_t columns, c10::BFloat16* to) {
  transpose_all(from, rows, columns, to);
}

MASKRCNN_TARGET_CLONES("default", "avx2", "avx512f")
void transpose(const c10::BFloat16* from, int64_t rows, int64_t columns, float* to) {
  transpose_all(from, rows, columns, to);
}

}  // namespace maskrcnn::ops
