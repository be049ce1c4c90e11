#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>

#include "ops/layer_end.h"

namespace maskrcnn::ops {

// Batch norm in training, with its gradients, for channels-last maps on the CPU. libtorch's kernel
// for them adds up the statistics in float32, row after row: of two maps of 240 x 320 its variances
// are off by 1e-3, where those of its kernel for contiguous maps are right to 1e-7.

struct BatchNormOptions {
  double momentum;  // of the running statistics
  double eps;
};

// Whether batch_norm() takes x: channels-last float32 or bfloat16 on the CPU, with more than one
// number per channel.
bool suits_batch_norm(const at::Tensor& x);

// As at::batch_norm in training, and the end after it: normalizes by the statistics of x, and moves
// the running ones towards them. Pieces of 16 rows are added up in float32 and these in float64, in
// an order that does not depend on the number of threads.
at::Tensor batch_norm(
    const at::Tensor& x,       // [N,C,H,W], see suits_batch_norm()
    const at::Tensor& weight,  // [C] f32
    const at::Tensor& bias,    // [C] f32
    at::Tensor running_mean,   // [C] f32
    at::Tensor running_var,    // [C] f32
    const BatchNormOptions& options,
    const LayerEnd& end = {});

// How the processes of a group tell each other their statistics. All of them must call these
// functions in the same order.
struct Exchange {
  // The values of all processes, one row for each: [n] -> [P,n]
  std::function<at::Tensor(const at::Tensor& values)> gather;
  // Replaces the values by their sums over all processes.
  std::function<void(const at::Tensor& values)> sum;
};

// Normalizes by the statistics of the maps of all processes, as torch.nn.SyncBatchNorm does: they
// exchange counts, means and variances, and in the backward pass sums of gradients. Takes maps of
// any device, also of no image. The gradients of weight and bias are this process's part.
at::Tensor batch_norm(
    const at::Tensor& x,  // [N,C,H,W] floating-point
    const at::Tensor& weight,
    const at::Tensor& bias,
    at::Tensor running_mean,
    at::Tensor running_var,
    const BatchNormOptions& options,
    const LayerEnd& end,
    const std::shared_ptr<const Exchange>& exchange);

}  // namespace maskrcnn::ops
