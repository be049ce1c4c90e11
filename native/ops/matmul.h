#pragma once

#include <ATen/core/Tensor.h>

// Products of float32 matrices on the CPU. libtorch computes its own by MKL, which uses nothing
// wider than AVX2 on AMD processors. These functions use oneDNN's kernels if the machine has
// AVX-512, and otherwise libtorch's own.
//
// Letters: B matrices per batch, M rows and N columns of a result, K numbers that are summed.

namespace maskrcnn::ops {

// Whether these functions use oneDNN's kernels.
bool has_matmul_kernels();

// Multiplies B pairs of small matrices: result = left · right, or result += left · right if `add`
// is set.
void batched_matmul(
    const at::Tensor& left,   // [B,M,K]; fastest if its last stride is 1
    const at::Tensor& right,  // [B,K,N], each matrix contiguous
    at::Tensor& result,       // [B,M,N], each matrix contiguous
    bool add);

// The same for one pair of large matrices.
void matmul(
    const at::Tensor& left,   // [M,K]
    const at::Tensor& right,  // [K,N]; fastest if one of its strides is 1
    at::Tensor& result,       // [M,N], contiguous
    bool add);

}  // namespace maskrcnn::ops
