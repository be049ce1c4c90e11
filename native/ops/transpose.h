#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>

namespace maskrcnn::ops {

// to[j][i] = from[i][j], for `rows` rows and `columns` columns of `from`. Both are without gaps.
void transpose(const float* from, int64_t rows, int64_t columns, float* to);
void transpose(const float* from, int64_t rows, int64_t columns, c10::BFloat16* to);
void transpose(const c10::BFloat16* from, int64_t rows, int64_t columns, float* to);

}  // namespace maskrcnn::ops
