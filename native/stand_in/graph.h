#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

namespace maskrcnn::stand_in {

// A call that a captured graph repeats. It reads the values that its arguments have at that time
// and writes into the same results.
struct Call {
  c10::OperatorHandle op;
  torch::jit::Stack arguments;
  torch::jit::Stack results;
};

// Whether this thread's calls are being captured into a graph.
bool is_capturing();
void capture(Call call);

}  // namespace maskrcnn::stand_in
