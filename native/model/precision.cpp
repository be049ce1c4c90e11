#include "model/precision.h"

#include <ATen/autocast_mode.h>

#include "ops/prepared.h"

namespace maskrcnn {

PrecisionScope::PrecisionScope(Precision precision, at::Device device)
    : device_(device.type()),
      was_enabled_(at::autocast::is_autocast_enabled(device_)),
      old_type_(at::autocast::get_autocast_dtype(device_)) {
  at::autocast::increment_nesting();
  at::autocast::set_autocast_enabled(device_, precision != Precision::Float32);
  if (precision == Precision::BFloat16) {
    at::autocast::set_autocast_dtype(device_, at::kBFloat16);
  }
}

PrecisionScope::~PrecisionScope() {
  // The copies of the weights end with the outermost scope.
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, was_enabled_);
  at::autocast::set_autocast_dtype(device_, old_type_);
}

bool takes_prepared_weights(const at::Tensor& input) {
  return !at::GradMode::is_enabled() && input.is_cpu() && input.numel() > 0 &&
         at::autocast::is_autocast_enabled(at::kCPU) &&
         at::autocast::get_autocast_dtype(at::kCPU) == at::kBFloat16 && ops::can_prepare();
}

}  // namespace maskrcnn
