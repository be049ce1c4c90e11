#pragma once

#include <c10/core/Event.h>

#include <optional>
#include <vector>

#include "aten.h"

namespace maskrcnn {

// Transfers to and from a GPU. The program waits for a GPU only where it must know a value to go
// on. test/native/stand-in/waits.test.ts counts these places.

// Copies from pinned memory, so that the program and the device do not wait for each other. On the
// CPU, returns the tensor itself.
at::Tensor upload(const at::Tensor& tensor, at::Device device);

// Copies tensors to the CPU while the device continues to work. A tensor that is on the CPU is not
// copied.
class ReadBack {
 public:
  // All tensors must be on one device. Shapes and types may differ.
  explicit ReadBack(const std::vector<at::Tensor>& tensors);

  // Waits for the copies. Returns them in the order of the constructor's argument.
  const std::vector<at::Tensor>& wait();

 private:
  std::vector<at::Tensor> copies_;
  std::optional<c10::Event> arrived_;
};

// A small tensor that every call needs on the device where it computes. Uploaded once.
class Constant {
 public:
  explicit Constant(at::Tensor value) : value_(std::move(value)) {}
  const at::Tensor& on(at::Device device) const;

 private:
  at::Tensor value_;
  mutable at::Tensor copy_;
};

}  // namespace maskrcnn
