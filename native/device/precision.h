#pragma once

#include <c10/core/impl/LocalDispatchKeySet.h>

#include <optional>
#include <vector>

#include "aten.h"

namespace maskrcnn {

// Of the arithmetic. Parameters, their gradients, boxes and losses are float32 in each.
enum class Precision { Float32, BFloat16, Float16 };

at::ScalarType scalar_type_of(Precision precision);

// What a GPU may round float32 to 10 bits for.
enum class Tf32 { None, Convolutions, All };

struct Arithmetic {
  Precision precision;
  Tf32 tf32;
};

// While one is alive, convolutions and linear maps of this thread compute in that precision:
// libtorch's autocast converts what they read, the weights once a scope. The rest takes the type of
// its operands. May be nested.
//
// What TF32 is allowed for is libtorch's for the whole process: on a GPU a scope sets it, and it
// stays, for the backward pass.
class PrecisionScope {
 public:
  PrecisionScope(const Arithmetic& arithmetic, at::Device device);
  ~PrecisionScope();
  PrecisionScope(const PrecisionScope&) = delete;
  PrecisionScope& operator=(const PrecisionScope&) = delete;

 private:
  at::DeviceType device_;
  bool was_enabled_;
  at::ScalarType old_type_;
};

// Whether this thread detects in bfloat16 on a CPU that has prepacked weights (ops/prepacked.h). In
// float32 copies of the weights would take more memory than they save time.
bool takes_prepacked_weights(const at::Tensor& input);

// The type of weights that are kept ready for this thread's convolutions and linear maps of the
// input; none on the CPU.
std::optional<at::ScalarType> cached_weights_type(const at::Tensor& input);

// Whether this thread's results are to have gradients with respect to one of these. Undefined ones
// are passed over.
bool wants_gradients(const std::vector<at::Tensor>& tensors);

// Suspends the scopes around it: operators compute in the type of their operands.
class ExactScope {
  c10::impl::ExcludeDispatchKeyGuard guard_{c10::autocast_dispatch_keyset};
};

}  // namespace maskrcnn
