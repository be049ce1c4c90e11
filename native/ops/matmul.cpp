#include "ops/matmul.h"

#include <ATen/native/CPUBlas.h>

#include <algorithm>
#include <vector>

#include "aten.h"
#include "ops/instructions.h"

namespace maskrcnn::ops {
namespace {

// Rows of the result per kernel call: enough for the kernel, and few enough to keep all threads
// busy.
constexpr int64_t kRows = 64;
// The size of a block of the right matrix. Its 256 KiB stay in a core's own cache while all rows of
// the left matrix are multiplied by it.
constexpr int64_t kSummed = 256, kColumns = 256;

// A row-major matrix. Rows start `stride` numbers apart.
template <typename T>
struct Block {
  T* data;
  int64_t stride;
};

// result [rows,columns] = left [rows,summed] · right [summed,columns], or += if `add` is set
void multiply_block(
    Block<const float> left,
    Block<const float> right,
    Block<float> result,
    int64_t rows,
    int64_t columns,
    int64_t summed,
    bool add) {
#ifdef CPUBLAS_BRGEMM_F32F32F32
  at::native::cpublas::brgemm(
      rows,
      columns,
      summed,
      left.stride,
      right.stride,
      result.stride,
      add,
      left.data,
      right.data,
      result.data);
#else
  TORCH_CHECK(false, "this libtorch has no such kernels");
#endif
}

// libtorch may have been built without these kernels, or oneDNN may be forbidden to use the
// instructions they need.
bool multiplies() {
  const float left = 2, right = 3;
  float result = 0;
  try {
    multiply_block({&left, 1}, {&right, 1}, {&result, 1}, 1, 1, 1, /*add=*/false);
  } catch (const c10::Error&) {
    return false;
  }
  return result == 6;
}

// Whether each of the matrices [B,M,N] is contiguous.
bool has_contiguous_rows(const at::Tensor& x) {
  return x.stride(2) == 1 && x.stride(1) == x.size(2);
}

void check(
    bool sizes_fit, const at::Tensor& left, const at::Tensor& right, const at::Tensor& result) {
  TORCH_CHECK(
      sizes_fit,
      "matmul: the matrices must fit, got ",
      left.sizes(),
      ", ",
      right.sizes(),
      " and ",
      result.sizes());
}

// Copies `rows` x `columns` numbers of a matrix with any strides into row-major order.
void pack(
    const float* from,
    int64_t row_stride,
    int64_t column_stride,
    int64_t rows,
    int64_t columns,
    float* to) {
  if (column_stride == 1) {
    for (int64_t i = 0; i < rows; ++i)
      std::copy_n(from + i * row_stride, columns, to + i * columns);
    return;
  }
  // Copies in small tiles, so that the cache lines of both matrices are used in full.
  constexpr int64_t kTile = 16;
  for (int64_t i0 = 0; i0 < rows; i0 += kTile) {
    const auto i1 = std::min(i0 + kTile, rows);
    for (int64_t j = 0; j < columns; ++j) {
      const float* column = from + j * column_stride;
      for (int64_t i = i0; i < i1; ++i) to[i * columns + j] = column[i * row_stride];
    }
  }
}

}  // namespace

bool has_matmul_kernels() {
  static const bool found = at::hasMKLDNN() && has_avx512() && multiplies();
  return found;
}

void batched_matmul(const at::Tensor& left, const at::Tensor& right, at::Tensor& result, bool add) {
  check(
      has_contiguous_rows(right) && has_contiguous_rows(result) && left.size(2) == right.size(1) &&
          left.size(1) == result.size(1) && right.size(2) == result.size(2),
      left,
      right,
      result);
  if (!has_matmul_kernels()) {
    add ? result.baddbmm_(left, right) : at::bmm_out(result, left, right);
    return;
  }
  const auto rows = left.size(1), summed = left.size(2), columns = right.size(2);
  const auto blocks = at::divup(rows, kRows);
  const auto* a = left.const_data_ptr<float>();
  const auto* b = right.const_data_ptr<float>();
  auto* c = result.mutable_data_ptr<float>();
  const bool is_by_row = left.stride(2) == 1;
  at::parallel_for(0, left.size(0) * blocks, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    std::vector<float> packed(is_by_row ? 0 : kRows * summed);
    for (int64_t task = begin; task < end; ++task) {
      const auto matrix = task / blocks, first = task % blocks * kRows;
      const auto height = std::min(kRows, rows - first);
      Block<const float> some{a + matrix * left.stride(0) + first * left.stride(1), left.stride(1)};
      if (!is_by_row) {
        pack(some.data, left.stride(1), left.stride(2), height, summed, packed.data());
        some = {packed.data(), summed};
      }
      multiply_block(
          some,
          {b + matrix * right.stride(0), columns},
          {c + matrix * result.stride(0) + first * columns, columns},
          height,
          columns,
          summed,
          add);
    }
  });
}

void matmul(const at::Tensor& left, const at::Tensor& right, at::Tensor& result, bool add) {
  check(
      left.size(1) == right.size(0) && left.size(0) == result.size(0) &&
          right.size(1) == result.size(1) && result.is_contiguous(),
      left,
      right,
      result);
  if (!has_matmul_kernels()) {
    add ? result.addmm_(left, right) : at::mm_out(result, left, right);
    return;
  }
  const auto by_row = left.contiguous();
  const auto rows = left.size(0), summed = left.size(1), columns = right.size(1);
  const auto* a = by_row.const_data_ptr<float>();
  const auto* b = right.const_data_ptr<float>();
  auto* c = result.mutable_data_ptr<float>();
  // Two tasks per thread, or as many as there are. No more, because each task packs the blocks of
  // the right matrix again.
  const auto column_blocks = at::divup(columns, kColumns);
  const auto row_parts = std::clamp<int64_t>(
      at::divup(2 * at::get_num_threads(), column_blocks), 1, at::divup(rows, kRows));
  const auto part = at::divup(rows, row_parts * kRows) * kRows;
  at::parallel_for(0, column_blocks * row_parts, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    std::vector<float> packed(kSummed * kColumns);
    for (int64_t task = begin; task < end; ++task) {
      const auto column = task / row_parts * kColumns;
      const auto first = task % row_parts * part, last = std::min(first + part, rows);
      const auto width = std::min(kColumns, columns - column);
      for (int64_t k = 0; k < summed; k += kSummed) {
        const auto depth = std::min(kSummed, summed - k);
        pack(
            b + k * right.stride(0) + column * right.stride(1),
            right.stride(0),
            right.stride(1),
            depth,
            width,
            packed.data());
        for (int64_t row = first; row < last; row += kRows) {
          multiply_block(
              {a + row * summed + k, summed},
              {packed.data(), width},
              {c + row * columns + column, columns},
              std::min(kRows, last - row),
              width,
              depth,
              add || k > 0);
        }
      }
    }
  });
}

}  // namespace maskrcnn::ops
