#pragma once

#include <cstdint>

#include "torch.h"

namespace maskrcnn {

enum class Norm { None, Batch, Frozen };

struct NormOptions {
  Norm type = Norm::None;
  double eps = 1e-5;
  double momentum = 0.1;  // of the running statistics; batch norm only
};

// A BatchNorm2d or a FrozenBatchNorm2d over `channels`. Not for Norm::None.
torch::nn::AnyModule make_norm(const NormOptions& options, int64_t channels);

// conv(x).
at::Tensor convolve(torch::nn::Conv2d& conv, const at::Tensor& x);

// norm(conv(x)). A frozen norm, being an affine map per channel, becomes part of the convolution's
// weights, which costs no pass over the result.
at::Tensor convolve_and_normalize(
    torch::nn::Conv2d& conv, torch::nn::AnyModule& norm, const at::Tensor& x);

}  // namespace maskrcnn
