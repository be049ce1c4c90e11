#pragma once

#include <cstdint>
#include <optional>

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

// What a norm does to x; in training a BatchNorm2d also moves its running statistics.
at::Tensor normalize(torch::nn::AnyModule& norm, const at::Tensor& x);  // [N,C,H,W] -> [N,C,H,W]

// Per channel: x -> scale · x + shift.
struct ChannelAffine {
  at::Tensor scale, shift;  // [C]
};

// What a FrozenBatchNorm2d does; none for any other norm or none.
std::optional<ChannelAffine> frozen_affine_of(const torch::nn::AnyModule& norm);

// What a norm does in evaluation; none while it is training.
std::optional<ChannelAffine> affine_of(const torch::nn::AnyModule& norm);

}  // namespace maskrcnn
