#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "torch.h"

namespace maskrcnn {

// Keeps what was made of some tensors until one of them has changed: has other memory, or has been
// written to, which libtorch counts.
template <typename Made>
class KeptWeights {
 public:
  // make: () -> Made. Undefined sources are passed over.
  template <typename Make>
  const Made& get(const std::vector<at::Tensor>& sources, Make make) {
    std::vector<State> now;
    for (const auto& source : sources) {
      if (source.defined()) now.push_back({source.const_data_ptr(), source._version()});
    }
    if (!made_ || now != made_from_) {
      made_.emplace(make());
      made_from_ = std::move(now);
    }
    return *made_;
  }

 private:
  struct State {
    const void* data;
    int64_t version;
    bool operator==(const State&) const = default;
  };
  std::optional<Made> made_;
  std::vector<State> made_from_;
};

}  // namespace maskrcnn
