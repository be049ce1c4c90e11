#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "device/tensor_states.h"

namespace maskrcnn {

// Caches a value that is computed from tensors until one of them changes.
template <typename Made>
class WeightCache {
 public:
  // make: () -> Made
  template <typename Make>
  const Made& get(const std::vector<at::Tensor>& sources, Make make) {
    TensorStates now(sources);
    if (!made_ || now != made_from_) {
      made_.emplace(make());
      made_from_ = std::move(now);
    }
    return *made_;
  }

 private:
  std::optional<Made> made_;
  TensorStates made_from_;
};

}  // namespace maskrcnn
