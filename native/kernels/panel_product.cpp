#include "kernels/panel_product.h"

#include <algorithm>

#include "aten.h"
#include "kernels/lanes.h"
#include "kernels/processor.h"
#include "kernels/transpose.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define MASKRCNN_TARGET(name) __attribute__((target(name)))
#endif

namespace maskrcnn::ops {
namespace {

// Rows of the result that are summed in registers at once. With the columns of a kernel below, they
// fill the registers.
constexpr int64_t kRowsAtOnce = 6;
constexpr int64_t kLine = 16;  // numbers in a line of the cache
// One line of the next panel is fetched for so many numbers that are summed.
constexpr int64_t kFetchEvery = 4;

// The product of `rows` rows and `vectors` · `lanes` columns.
template <int lanes, int vectors, int rows, bool is_contiguous>
MASKRCNN_INLINE void multiply_tile(
    const PanelProduct& product, int64_t first_row, int64_t first_column, const float* next) {
  using Vector = Lanes<lanes>;
  const auto* left = product.left.data + first_row * product.left.stride;
  const auto* right = product.panel + first_column;
  auto* result = product.result.data + first_row * product.result.stride + first_column;
  typename Vector::Numbers sums[rows][vectors];
  for (int r = 0; r < rows; ++r) {
    for (int v = 0; v < vectors; ++v) {
      sums[r][v] = product.add ? Vector::read(result + r * product.result.stride + v * lanes)
                               : typename Vector::Numbers{};
    }
  }
  const auto step = is_contiguous ? 1 : product.left_step;
  const auto add_column = [&](int64_t k) MASKRCNN_INLINED {
    typename Vector::Numbers numbers[vectors];
    for (int v = 0; v < vectors; ++v) {
      numbers[v] = Vector::read(right + k * kPanel + v * lanes);
    }
    for (int r = 0; r < rows; ++r) {
      const float factor = left[r * product.left.stride + k * step];
      for (int v = 0; v < vectors; ++v) sums[r][v] += factor * numbers[v];
    }
  };
  int64_t k = 0;
  for (; k + kFetchEvery <= product.depth; k += kFetchEvery) {
    if (next) MASKRCNN_FETCH(next + k / kFetchEvery * kLine, 0);
    MASKRCNN_UNROLLED
    for (int64_t i = 0; i < kFetchEvery; ++i) add_column(k + i);
  }
  for (; k < product.depth; ++k) add_column(k);
  for (int r = 0; r < rows; ++r) {
    for (int v = 0; v < vectors; ++v) {
      Vector::write(sums[r][v], result + r * product.result.stride + v * lanes);
    }
  }
}

// The last rows, fewer than kRowsAtOnce.
template <int lanes, int vectors, bool is_contiguous, int rows = kRowsAtOnce - 1>
MASKRCNN_INLINE void multiply_rest(const PanelProduct& product, int64_t row, int64_t column) {
  if constexpr (rows > 0) {
    if (product.rows - row == rows) {
      multiply_tile<lanes, vectors, rows, is_contiguous>(product, row, column, nullptr);
    } else {
      multiply_rest<lanes, vectors, is_contiguous, rows - 1>(product, row, column);
    }
  }
}

// All 64 columns.
template <int lanes, int vectors, bool is_contiguous>
MASKRCNN_INLINE void multiply_panel(const PanelProduct& product) {
  constexpr int64_t width = lanes * vectors;
  // Each tile fetches its part of the next panel.
  const auto part = product.depth / kFetchEvery * kLine;
  const auto* next = product.next;
  for (int64_t column = 0; column < kPanel; column += width) {
    int64_t row = 0;
    for (; row + kRowsAtOnce <= product.rows; row += kRowsAtOnce) {
      const bool fetches = next && next + part <= product.next + product.depth * kPanel;
      multiply_tile<lanes, vectors, kRowsAtOnce, is_contiguous>(
          product, row, column, fetches ? next : nullptr);
      if (fetches) next += part;
    }
    multiply_rest<lanes, vectors, is_contiguous>(product, row, column);
  }
}

template <int lanes, int vectors>
MASKRCNN_INLINE void multiply_all(const PanelProduct& product) {
  product.left_step == 1 ? multiply_panel<lanes, vectors, true>(product)
                         : multiply_panel<lanes, vectors, false>(product);
}

#ifdef MASKRCNN_TARGET
MASKRCNN_TARGET("avx512f") void multiply_by_avx512(const PanelProduct& product) {
  multiply_all<16, 4>(product);
}

MASKRCNN_TARGET("avx2,fma") void multiply_by_avx2(const PanelProduct& product) {
  multiply_all<8, 2>(product);
}
#endif

// Without kernels for the machine. The functions that write into a tensor ignore autocast.
void multiply_by_libtorch(const PanelProduct& product) {
  const auto matrix =
      [](const float* data, int64_t rows, int64_t columns, at::IntArrayRef strides) {
        return at::from_blob(const_cast<float*>(data), {rows, columns}, strides, at::kFloat);
      };
  const auto rows = product.rows, depth = product.depth;
  const auto left =
      matrix(product.left.data, rows, depth, {product.left.stride, product.left_step});
  const auto panel = matrix(product.panel, depth, kPanel, {kPanel, 1});
  auto result = matrix(product.result.data, rows, kPanel, {product.result.stride, 1});
  product.add ? result.addmm_(left, panel) : at::mm_out(result, left, panel);
}

void multiply_whole_panel(const PanelProduct& product) {
  static const auto fastest = product_kernels().front().multiply;
  fastest(product);
}

// Rows that are computed at once where the result has fewer columns than a panel.
constexpr int64_t kNarrowRows = 48;

void multiply_narrow(const PanelProduct& product) {
  float room[kNarrowRows * kPanel];
  auto part = product;
  part.result = {room, kPanel};
  for (int64_t first = 0; first < product.rows; first += kNarrowRows) {
    part.rows = std::min(kNarrowRows, product.rows - first);
    part.left.data = product.left.data + first * product.left.stride;
    auto* result = product.result.data + first * product.result.stride;
    if (product.add) std::fill_n(room, part.rows * kPanel, 0.0f);
    for (int64_t r = 0; product.add && r < part.rows; ++r) {
      std::copy_n(result + r * product.result.stride, product.columns, room + r * kPanel);
    }
    multiply_whole_panel(part);
    for (int64_t r = 0; r < part.rows; ++r) {
      std::copy_n(room + r * kPanel, product.columns, result + r * product.result.stride);
    }
  }
}

}  // namespace

void multiply(const PanelProduct& product) {
  product.columns == kPanel ? multiply_whole_panel(product) : multiply_narrow(product);
}

const std::vector<ProductKernel>& product_kernels() {
  static const auto kernels = [] {
    std::vector<ProductKernel> found;
#ifdef MASKRCNN_TARGET
    if (has_avx512()) found.push_back({"avx512", multiply_by_avx512});
    if (has_avx2()) found.push_back({"avx2", multiply_by_avx2});
#endif
    found.push_back({"libtorch", multiply_by_libtorch});
    return found;
  }();
  return kernels;
}

void pack_panel(
    const float* from,
    int64_t row_stride,
    int64_t column_stride,
    int64_t depth,
    int64_t columns,
    float* panel) {
  if (columns < kPanel) std::fill_n(panel, depth * kPanel, 0.0f);
  if (column_stride == 1) {
    for (int64_t k = 0; k < depth; ++k) {
      std::copy_n(from + k * row_stride, columns, panel + k * kPanel);
    }
    return;
  }
  if (row_stride == 1) {
    transpose(from, column_stride, columns, depth, panel, kPanel);
    return;
  }
  for (int64_t k = 0; k < depth; ++k) {
    for (int64_t j = 0; j < columns; ++j) {
      panel[k * kPanel + j] = from[k * row_stride + j * column_stride];
    }
  }
}

}  // namespace maskrcnn::ops
