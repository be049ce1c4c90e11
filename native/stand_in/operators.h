#pragma once

#include "stand_in/graph.h"

namespace maskrcnn::stand_in {

// A CPU tensor in the same memory.
at::Tensor on_cpu(const at::Tensor& tensor);

// Calls the CPU's operator on the memory of the device's tensors. `stack` holds the arguments
// before the call and the results after it.
void run_on_cpu(const c10::OperatorHandle& op, torch::jit::Stack& stack);

// Same as `run_on_cpu`, but writes into the existing results.
void repeat(const Call& call);

}  // namespace maskrcnn::stand_in
