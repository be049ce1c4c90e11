#pragma once

#include <cstdint>
#include <vector>

#include "aten.h"

namespace maskrcnn {

// Detects changes to tensors: records the memory and the version of each. libtorch increments the
// version at each write.
class TensorStates {
 public:
  TensorStates() = default;
  // Undefined tensors are ignored.
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
