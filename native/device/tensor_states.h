#pragma once

#include <cstdint>
#include <vector>

#include "aten.h"

namespace maskrcnn {

// Of some tensors, by which one sees later that one of them has changed: that it has other memory,
// or has been written to, which libtorch counts.
class TensorStates {
 public:
  TensorStates() = default;
  // Undefined tensors are passed over.
  explicit TensorStates(const std::vector<at::Tensor>& tensors) {
    for (const auto& tensor : tensors)
      if (tensor.defined()) states_.push_back({tensor.const_data_ptr(), tensor._version()});
  }

  bool operator==(const TensorStates&) const = default;

 private:
  struct State {
    const void* data;
    int64_t version;
    bool operator==(const State&) const = default;
  };
  std::vector<State> states_;
};

}  // namespace maskrcnn
