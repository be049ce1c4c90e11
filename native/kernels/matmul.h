#pragma once

#include <ATen/core/Tensor.h>

// Products of float32 matrices on the CPU, by the kernels of panel_product.h. libtorch's own are by
// MKL, which uses nothing wider than AVX2 on AMD processors.
//
// Letters: M rows and N columns of a result, K numbers that are summed.

namespace maskrcnn::ops {

// result = left · right, or result += left · right if `add` is set.
void matmul(
    const at::Tensor& left,   // [M,K]
    const at::Tensor& right,  // [K,N]; fastest if one of its strides is 1
    at::Tensor& result,       // [M,N], contiguous
    bool add);

}  // namespace maskrcnn::ops
