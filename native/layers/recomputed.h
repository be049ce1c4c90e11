#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "layers/module.h"

// Activation checkpointing (Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016):
// what some layers compute on their way to a result is not kept for the backward pass, which
// computes it again from their input.

namespace maskrcnn {

// Whether this thread computes a result again. What layers count and average must not change then.
bool is_recomputing();

// compute(x). If gradients are wanted, only x and the result are kept, and `compute` is called
// again in the backward pass: what it refers to must outlive that. It reads nothing else that has
// gradients than `parameters`, and gives the same result every time.
at::Tensor recomputed(
    const at::Tensor& x,
    const std::vector<at::Tensor>& parameters,
    std::function<at::Tensor(const at::Tensor& x)> compute);

// run_layers(layers, x), some layers at a time. The layers must outlive the backward pass.
at::Tensor recomputed(std::span<const std::shared_ptr<Layer>> layers, const at::Tensor& x);

}  // namespace maskrcnn
