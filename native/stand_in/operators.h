#pragma once

#include "stand_in/graph.h"

namespace maskrcnn::stand_in {

// Calls the CPU's operator on the memory of the device's tensors: `stack` has the arguments before
// and the results after.
void run_on_cpu(const c10::OperatorHandle& op, torch::jit::Stack& stack);

// As `run_on_cpu`, into the tensors that are there already.
void repeat(const Call& call);

}  // namespace maskrcnn::stand_in
