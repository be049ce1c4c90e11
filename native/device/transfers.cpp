#include "device/transfers.h"

#include <c10/core/impl/VirtualGuardImpl.h>

namespace maskrcnn {

at::Tensor upload(const at::Tensor& tensor, at::Device device) {
  if (device.is_cpu()) return tensor.to(device);
  return tensor.pin_memory().to(device, tensor.scalar_type(), /*non_blocking=*/true);
}

ReadBack::ReadBack(const std::vector<at::Tensor>& tensors) {
  for (const auto& tensor : tensors) {
    if (tensor.is_cpu()) {
      copies_.push_back(tensor);
      continue;
    }
    // Copies directly into pinned memory. `to` would allocate memory that makes the program wait.
    const auto options = at::TensorOptions(tensor.scalar_type()).pinned_memory(true);
    copies_.push_back(at::empty(tensor.sizes(), options));
    copies_.back().copy_(tensor, /*non_blocking=*/true);
    if (!arrived_) arrived_.emplace(tensor.device().type());
  }
  if (!arrived_) return;
  const c10::impl::VirtualGuardImpl device(arrived_->device_type());
  arrived_->record(device.getStream(device.getDevice()));
}

const std::vector<at::Tensor>& ReadBack::wait() {
  if (arrived_) arrived_->synchronize();
  arrived_.reset();
  return copies_;
}

const at::Tensor& Constant::on(at::Device device) const {
  if (!copy_.defined() || copy_.device() != device) copy_ = upload(value_, device);
  return copy_;
}

}  // namespace maskrcnn
