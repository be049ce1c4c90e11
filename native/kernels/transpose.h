#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>

namespace maskrcnn::ops {

// to[j][i] = from[i][j], for `rows` rows and `columns` columns of `from`. The strides are those of
// rows on each side, in numbers.
#define MASKRCNN_TRANSPOSE(From, To) \
  void transpose(                    \
      const From* from,              \
      int64_t from_stride,           \
      int64_t rows,                  \
      int64_t columns,               \
      To* to,                        \
      int64_t to_stride);
MASKRCNN_TRANSPOSE(float, float)
MASKRCNN_TRANSPOSE(float, c10::BFloat16)
MASKRCNN_TRANSPOSE(c10::BFloat16, float)
#undef MASKRCNN_TRANSPOSE

}  // namespace maskrcnn::ops
