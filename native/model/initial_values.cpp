#include "model/initial_values.h"

#include <torch/library.h>

#include <optional>

#include "torch.h"

namespace maskrcnn {
namespace {

at::Tensor& leave(at::Tensor& tensor, double, double, std::optional<at::Generator>) {
  return tensor;
}

}  // namespace

WithoutInitialValues::WithoutInitialValues() : guard_(c10::DispatchKey::DeferredInit) {}

// libtorch reserves this dispatch key for such uses and registers nothing for it.
TORCH_LIBRARY_IMPL(_, DeferredInit, library) {
  library.fallback(torch::CppFunction::makeFallthrough());
}

TORCH_LIBRARY_IMPL(aten, DeferredInit, library) {
  library.impl("uniform_", leave);
  library.impl("normal_", leave);
}

}  // namespace maskrcnn
