#pragma once

#include <c10/core/impl/LocalDispatchKeySet.h>

#include <optional>

#include "aten.h"

namespace maskrcnn {

// The precision of the arithmetic. Parameters, their gradients, boxes and losses are always
// float32.
enum class Precision { Float32, BFloat16, Float16 };

at::ScalarType scalar_type_of(Precision precision);

// The operations for which a GPU may use TF32, which rounds float32 to a mantissa of 10 bits.
enum class Tf32 { None, Convolutions, All };

struct Arithmetic {
  Precision precision;
  Tf32 tf32;
};

// While an object of this class is alive, convolutions and linear layers of this thread compute in
// the given precision. libtorch's autocast converts their operands, the weights once per scope;
// convolutions that are trained on a CPU convert them for each call (convolution/convolution.h).
// All other operators use the type of their operands. Scopes can be nested.
class AutocastScope {
 public:
  AutocastScope(Precision precision, at::Device device);
  ~AutocastScope();
  AutocastScope(const AutocastScope&) = delete;
  AutocastScope& operator=(const AutocastScope&) = delete;

 private:
  at::DeviceType device_;
  bool was_enabled_;
  at::ScalarType old_type_;
};

// The precision of the scope that this thread is in.
Precision current_precision(at::Device device);

// An AutocastScope that also sets libtorch's TF32 settings, which apply to the whole process. It
// does not restore them, because the backward pass on a GPU needs them too.
class PrecisionScope {
 public:
  PrecisionScope(const Arithmetic& arithmetic, at::Device device);

 private:
  AutocastScope autocast_;
};

// The type of prepacked weights (convolution/prepacked.h) for this thread's convolutions and linear
// layers on `input`, if that is on a CPU that supports them.
std::optional<at::ScalarType> prepacked_weights_type(const at::Tensor& input);

// The type in which weights are cached for this thread's convolutions and linear layers on `input`.
// None on the CPU.
std::optional<at::ScalarType> cached_weights_type(const at::Tensor& input);

// Suspends the enclosing scopes: operators compute in the type of their operands.
class ExactScope {
  c10::impl::ExcludeDispatchKeyGuard guard_{c10::autocast_dispatch_keyset};
};

}  // namespace maskrcnn
