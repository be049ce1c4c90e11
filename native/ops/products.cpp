#include "ops/products.h"

#include <ATen/native/CPUBlas.h>

#include <algorithm>

#include "aten.h"
#include "ops/instructions.h"

namespace maskrcnn::ops {
namespace {

// Rows of a result at a time: enough for the kernel, few enough to keep every thread busy.
constexpr int64_t kRows = 64;

bool has_kernels() {
#ifdef CPUBLAS_BRGEMM_F32F32F32
  static const bool found = at::hasMKLDNN() && has_avx512();
  return found;
#else
  return false;
#endif
}

void multiply_block(
    const float* left,
    const float* right,
    float* result,
    int64_t rows,
    int64_t columns,
    int64_t summed,
    bool add) {
#ifdef CPUBLAS_BRGEMM_F32F32F32
  at::native::cpublas::brgemm(
      rows, columns, summed, summed, columns, columns, add, left, right, result);
#endif
}

}  // namespace

void multiply(const at::Tensor& left, const at::Tensor& right, at::Tensor& result, bool add) {
  TORCH_CHECK(
      left.is_contiguous() && right.is_contiguous() && result.is_contiguous() &&
          left.size(2) == right.size(1) && left.size(1) == result.size(1) &&
          right.size(2) == result.size(2),
      "multiply: the matrices must fit, got ",
      left.sizes(),
      ", ",
      right.sizes(),
      " and ",
      result.sizes());
  if (!has_kernels()) {
    add ? result.baddbmm_(left, right) : at::bmm_out(result, left, right);
    return;
  }
  const auto rows = left.size(1), summed = left.size(2), columns = right.size(2);
  const auto blocks = at::divup(rows, kRows);
  const auto* a = left.const_data_ptr<float>();
  const auto* b = right.const_data_ptr<float>();
  auto* c = result.mutable_data_ptr<float>();
  at::parallel_for(0, left.size(0) * blocks, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const auto matrix = task / blocks, first = task % blocks * kRows;
      const auto row = matrix * rows + first;
      multiply_block(
          a + row * summed,
          b + matrix * summed * columns,
          c + row * columns,
          std::min(kRows, rows - first),
          columns,
          summed,
          add);
    }
  });
}

}  // namespace maskrcnn::ops
