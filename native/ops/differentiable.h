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
// inputs, or tensors that `forward` fills. With `saves_result`, the result follows them.
at::Tensor differentiable(
    at::TensorList inputs,
    const std::vector<at::Tensor>& saved,
    const std::function<at::Tensor()>& forward,
    std::function<std::vector<at::Tensor>(const Backward&)> backward,
    bool saves_result = false);

// The sum of `compute`, which gives one number for each block of at most `at_once` rows and gets
// the first row's index, too. If gradients are wanted, those of a block are computed before the
// next block, and only their sums are kept for the backward pass: what `compute` needs for them
// takes the memory of one block. `parameters` are the other tensors with gradients that `compute`
// reads. The gradients are found without the scale of the losses, which float16 needs.
at::Tensor sum_of_blocks(
    const at::Tensor& rows,  // [R,...], R > 0
    const std::vector<at::Tensor>& parameters,
    int64_t at_once,
    const std::function<at::Tensor(const at::Tensor& block, int64_t first)>& compute);

// The gradients of the sum of result · weights with respect to the inputs.
std::vector<at::Tensor> gradients(
    const at::Tensor& result, const std::vector<at::Tensor>& inputs, const at::Tensor& weights);

}  // namespace maskrcnn::ops
