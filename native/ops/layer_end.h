#pragma once

#include <ATen/core/Tensor.h>

namespace maskrcnn::ops {

// What follows a convolution or a norm, in the same pass where there is a kernel for it.
struct LayerEnd {
  at::Tensor addend;  // undefined, or of the size of the result
  bool relu = false;

  bool is_empty() const { return !addend.defined() && !relu; }

  // May overwrite x, a fresh result that nobody else reads.
  at::Tensor apply(const at::Tensor& x) const {
    if (addend.defined()) x.add_(addend);
    return relu ? x.relu_() : x;
  }
};

}  // namespace maskrcnn::ops
