#pragma once

#include <ATen/core/Tensor.h>

// Products of float32 matrices on the CPU. libtorch leaves its own to MKL, which has nothing wider
// than AVX2 for AMD's processors; these are by oneDNN's kernels where the machine has AVX-512.

namespace maskrcnn::ops {

// Letters: B matrices at a time, M rows and N columns of each result, K numbers that are summed.

// result[i] = left[i] · right[i], or added to what is there. All contiguous.
void multiply(
    const at::Tensor& left,   // [B,M,K]
    const at::Tensor& right,  // [B,K,N]
    at::Tensor& result,       // [B,M,N]
    bool add = false);

}  // namespace maskrcnn::ops
