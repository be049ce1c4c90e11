#pragma once

#include <c10/core/impl/LocalDispatchKeySet.h>

#include "torch.h"

namespace maskrcnn {

// Of the arithmetic. Parameters, their gradients, boxes and losses are float32 in either.
enum class Precision { Float32, BFloat16 };

// While one is alive, convolutions and linear maps of this thread compute in `precision`:
// libtorch's autocast converts what they read, the weights once a scope. The rest takes the type of
// its operands. May be nested.
class PrecisionScope {
 public:
  PrecisionScope(Precision precision, at::Device device);
  ~PrecisionScope();
  PrecisionScope(const PrecisionScope&) = delete;
  PrecisionScope& operator=(const PrecisionScope&) = delete;

 private:
  at::DeviceType device_;
  bool was_enabled_;
  at::ScalarType old_type_;
};

// Whether this thread detects in bfloat16 on a CPU that has prepared weights (ops/prepared.h). In
// float32 copies of the weights would take more memory than they save time.
bool takes_prepared_weights(const at::Tensor& input);

// Suspends the scopes around it: operators compute in the type of their operands.
class ExactScope {
  c10::impl::ExcludeDispatchKeyGuard guard_{c10::autocast_dispatch_keyset};
};

}  // namespace maskrcnn
