#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>

namespace maskrcnn::stand_in {

// A call that a captured graph repeats: into the same results, from whatever is in its arguments
// then.
struct Call {
  c10::OperatorHandle op;
  torch::jit::Stack arguments;
  torch::jit::Stack results;
};

// Whether this thread's calls become part of a graph.
bool is_capturing();
void capture(Call call);

}  // namespace maskrcnn::stand_in
