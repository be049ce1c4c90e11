#include "convolution/winograd_planes.h"

#include "aten.h"

namespace maskrcnn::ops {
namespace {

// Planes are a little more than their size apart, because lines of memory that are a power of two
// apart take each other's place in the cache.
constexpr int64_t kGap = 16;

}  // namespace

Planes::Planes(int64_t rows, int64_t columns, Layout layout) : columns_(columns) {
  const auto width = at::divup(columns, kPanel) * kPanel;
  row_stride_ = layout == Layout::Rows ? width : kPanel;
  panel_stride_ = layout == Layout::Rows ? kPanel : rows * kPanel;
  plane_stride_ = rows * width + kGap;
  memory_ = at::empty({kPoints * plane_stride_}, at::kFloat);
  data_ = memory_.mutable_data_ptr<float>();
  // The products of these columns are not used, but must not be of numbers that were never set.
  if (layout == Layout::Panels && columns < width) memory_.zero_();
}

}  // namespace maskrcnn::ops
