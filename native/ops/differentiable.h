#pragma once

#include <functional>
#include <vector>

#include "aten.h"

// Own forward and backward passes as parts of libtorch's graph. In one place, because libtorch's
// headers for this take longer to compile than most files.

namespace maskrcnn::ops {

// What a backward pass gets.
struct Backward {
  at::Tensor grad;                // of the result
  std::vector<at::Tensor> saved;  // from the forward pass
  std::vector<bool> wanted;       // of each input: whether its gradient is needed
};

// Whether this thread needs gradients with respect to any of these tensors. Undefined tensors are
// ignored.
bool wants_gradients(at::TensorList tensors);

// Runs `forward` without recording it. The gradients of the inputs are those that `backward`
// returns, in the same order; an undefined one stands for zero. `saved` is what `backward` needs:
// inputs, or tensors that `forward` fills.
at::Tensor differentiable(
    at::TensorList inputs,
    const std::vector<at::Tensor>& saved,
    const std::function<at::Tensor()>& forward,
    std::function<std::vector<at::Tensor>(const Backward&)> backward);

// Runs `compute` on the inputs and keeps only these for the backward pass, which runs it again:
// less memory for more time. Autocast must be off, and `compute` must give the same result every
// time.
at::Tensor recomputed(
    const std::vector<at::Tensor>& inputs,
    std::function<at::Tensor(const std::vector<at::Tensor>&)> compute);

// The gradients of the sum of result · weights with respect to the inputs.
std::vector<at::Tensor> gradients(
    const at::Tensor& result, const std::vector<at::Tensor>& inputs, const at::Tensor& weights);

}  // namespace maskrcnn::ops
