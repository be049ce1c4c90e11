#pragma once

#include <cstdint>
#include <vector>

// Products of float32 matrices on one thread of the CPU: what every larger product is made of. The
// right matrix is a panel of at most 64 columns, which stays in the nearest cache while the rows of
// the left one pass by.

namespace maskrcnn::ops {

constexpr int64_t kPanel = 64;

// Rows of a matrix that begin `stride` numbers apart.
template <typename T>
struct Rows {
  T* data;
  int64_t stride;
};

// result [rows,columns] = left [rows,depth] · panel [depth,64], or += if `add` is set. Only the
// first `columns` of the panel are used, but all must be readable.
struct PanelProduct {
  int64_t rows, depth, columns;
  Rows<const float> left;
  int64_t left_step;  // from one number of a row of `left` to the next
  const float* panel;
  Rows<float> result;
  bool add;
  // A contiguous panel of the same depth that will be needed soon, or null. It is fetched into the
  // cache meanwhile.
  const float* next = nullptr;
};

void multiply(const PanelProduct& product);

// The same for 64 columns, by the instructions of one kind of processor, or by libtorch.
struct ProductKernel {
  const char* name;
  void (*multiply)(const PanelProduct&);
};
// Those that this machine can run, the fastest first. libtorch is the last.
const std::vector<ProductKernel>& product_kernels();

// Copies [depth,columns] numbers of a matrix into a contiguous panel and fills the rest of its rows
// with zeros. The strides are those of its rows and columns.
void pack_panel(
    const float* from,
    int64_t row_stride,
    int64_t column_stride,
    int64_t depth,
    int64_t columns,
    float* panel);

}  // namespace maskrcnn::ops
