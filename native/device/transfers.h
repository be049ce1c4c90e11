#pragma once

#include <c10/core/Event.h>

#include <optional>
#include <vector>

#include "aten.h"

namespace maskrcnn {

// What goes to a GPU and comes from it. The program waits for a GPU only where it must know a value
// to go on; test/native/stand-in/waits.test.ts counts where that is.

// A copy on the device, from pinned memory: neither waits for the other. On the CPU the tensor
// itself.
at::Tensor upload(const at::Tensor& tensor, at::Device device);

// Copies on their way to the CPU, while the device goes on. Of tensors on the CPU, those
// themselves.
class ReadBack {
 public:
  // On one device all of them, of any shapes and types.
  explicit ReadBack(const std::vector<at::Tensor>& tensors);

  // In the order given, as soon as they have arrived.
  const std::vector<at::Tensor>& wait();

 private:
  std::vector<at::Tensor> copies_;
  std::optional<c10::Event> arrived_;
};

// A small tensor that every call needs where it computes: uploaded once.
class Constant {
 public:
  explicit Constant(at::Tensor value) : value_(std::move(value)) {}
  const at::Tensor& on(at::Device device) const;

 private:
  at::Tensor value_;
  mutable at::Tensor copy_;
};

}  // namespace maskrcnn
