#include "kernels/matmul.h"

#include <algorithm>
#include <vector>

#include "aten.h"
#include "kernels/panel_product.h"

namespace maskrcnn::ops {
namespace {

// A block of the right matrix is packed into panels that stay in a core's own cache (256 KiB) while
// all rows of the left one are multiplied by it.
constexpr int64_t kSummed = 256, kColumns = 4 * kPanel;
// Rows of the left matrix that stay there beside it, while all these panels pass by.
constexpr int64_t kRows = 96;

}  // namespace

void matmul(const at::Tensor& left, const at::Tensor& right, at::Tensor& result, bool add) {
  TORCH_CHECK(
      left.size(1) == right.size(0) && left.size(0) == result.size(0) &&
          right.size(1) == result.size(1) && result.is_contiguous(),
      "matmul: the matrices must fit, got ",
      left.sizes(),
      ", ",
      right.sizes(),
      " and ",
      result.sizes());
  const auto rows = left.size(0), summed = left.size(1), columns = right.size(1);
  if (summed == 0 && !add) result.zero_();
  const auto* a = left.const_data_ptr<float>();
  const auto* b = right.const_data_ptr<float>();
  auto* c = result.mutable_data_ptr<float>();
  // Two tasks per thread, or as many as there are. No more, because each task packs the blocks of
  // the right matrix again.
  const auto column_blocks = at::divup(columns, kColumns);
  const auto row_parts = std::clamp<int64_t>(
      at::divup(2 * at::get_num_threads(), std::max<int64_t>(column_blocks, 1)),
      1,
      std::max<int64_t>(at::divup(rows, kRows), 1));
  const auto part = at::divup(rows, row_parts * kRows) * kRows;
  at::parallel_for(0, column_blocks * row_parts, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    std::vector<float> panels(kSummed * kColumns);
    for (int64_t task = begin; task < end; ++task) {
      const auto first_column = task / row_parts * kColumns;
      const auto last_column = std::min(first_column + kColumns, columns);
      const auto first_row = task % row_parts * part, last_row = std::min(first_row + part, rows);
      for (int64_t k = 0; k < summed; k += kSummed) {
        const auto depth = std::min(kSummed, summed - k);
        const auto panel_at = [&](int64_t column) {
          return panels.data() + (column - first_column) * depth;
        };
        for (int64_t j = first_column; j < last_column; j += kPanel) {
          const auto* from = b + k * right.stride(0) + j * right.stride(1);
          const auto width = std::min(kPanel, last_column - j);
          pack_panel(from, right.stride(0), right.stride(1), depth, width, panel_at(j));
        }
        for (int64_t i = first_row; i < last_row; i += kRows) {
          for (int64_t j = first_column; j < last_column; j += kPanel) {
            multiply(
                {.rows = std::min(kRows, last_row - i),
                 .depth = depth,
                 .columns = std::min(kPanel, last_column - j),
                 .left = {a + i * left.stride(0) + k * left.stride(1), left.stride(0)},
                 .left_step = left.stride(1),
                 .panel = panel_at(j),
                 .result = {c + i * columns + j, columns},
                 .add = add || k > 0});
          }
        }
      }
    }
  });
}

}  // namespace maskrcnn::ops
