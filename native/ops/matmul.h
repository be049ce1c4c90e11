#pragma once

#include <ATen/core/Tensor.h>

// Products of float32 matrices on the CPU. libtorch leaves its own to MKL, which has nothing wider
// than AVX2 for AMD's processors; these are by oneDNN's kernels where the machine has AVX-512, and
// else by libtorch's.
//
// Letters: B matrices at a time, M rows and N columns of each result, K numbers that are summed.

namespace maskrcnn::ops {

// Whether they are by oneDNN's kernels.
bool has_matmul_kernels();

// result = left · right, or with `add` result += left · right, for each of B small matrices.
void batched_matmul(
    const at::Tensor& left,   // [B,M,K]; fastest where its last stride is 1
    const at::Tensor& right,  // [B,K,N], contiguous
    at::Tensor& result,       // [B,M,N], contiguous
    bool add);

// Likewise for two large ones.
void matmul(
    const at::Tensor& left,   // [M,K]
    const at::Tensor& right,  // [K,N]; fastest where one of its strides is 1
    at::Tensor& result,       // [M,N], contiguous
    bool add);

}  // namespace maskrcnn::ops
