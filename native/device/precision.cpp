#include "device/precision.h"

#include <ATen/Context.h>
#include <ATen/autocast_mode.h>

#include "convolution/convolution.h"
#include "convolution/prepacked.h"

namespace maskrcnn {

at::ScalarType scalar_type_of(Precision precision) {
  switch (precision) {
    case Precision::BFloat16:
      return at::kBFloat16;
    case Precision::Float16:
      return at::kHalf;
    case Precision::Float32:
      break;
  }
  return at::kFloat;
}

AutocastScope::AutocastScope(Precision precision, at::Device device)
    : device_(device.type()),
      was_enabled_(at::autocast::is_autocast_enabled(device_)),
      old_type_(at::autocast::get_autocast_dtype(device_)) {
  at::autocast::increment_nesting();
  const bool is_mixed = precision != Precision::Float32;
  at::autocast::set_autocast_enabled(device_, is_mixed);
  if (is_mixed) at::autocast::set_autocast_dtype(device_, scalar_type_of(precision));
}

AutocastScope::~AutocastScope() {
  // The outermost scope frees the converted copies of the weights.
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, was_enabled_);
  at::autocast::set_autocast_dtype(device_, old_type_);
}

Precision current_precision(at::Device device) {
  if (!at::autocast::is_autocast_enabled(device.type())) return Precision::Float32;
  const auto type = at::autocast::get_autocast_dtype(device.type());
  return type == at::kHalf ? Precision::Float16 : Precision::BFloat16;
}

PrecisionScope::PrecisionScope(const Arithmetic& arithmetic, at::Device device)
    : autocast_(arithmetic.precision, device) {
  if (device.is_cuda()) {
    at::globalContext().setAllowTF32CuDNN(arithmetic.tf32 != Tf32::None);
    at::globalContext().setAllowTF32CuBLAS(arithmetic.tf32 == Tf32::All);
  }
}

std::optional<at::ScalarType> prepacked_weights_type(const at::Tensor& input) {
  if (!input.is_cpu() || input.numel() == 0) return std::nullopt;
  const auto type = ops::computed_type(input);
  return ops::can_prepack(type) ? std::optional(type) : std::nullopt;
}

std::optional<at::ScalarType> cached_weights_type(const at::Tensor& input) {
  if (input.is_cpu()) return std::nullopt;
  const auto device = input.device().type();
  return at::autocast::is_autocast_enabled(device) ? at::autocast::get_autocast_dtype(device)
                                                   : at::kFloat;
}

}  // namespace maskrcnn
