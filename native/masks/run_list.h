#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace maskrcnn::ops {

// Collects runs. Drops empty runs and joins neighbours of equal value.
class RunList {
 public:
  void add(bool value, int64_t length) {
    if (length == 0) return;
    if (value != last_value_) {
      lengths_.push_back(0);
      last_value_ = value;
    }
    lengths_.back() += static_cast<uint32_t>(length);
  }
  std::vector<uint32_t> take() { return std::move(lengths_); }

 private:
  bool last_value_ = false;
  std::vector<uint32_t> lengths_{0};
};

}  // namespace maskrcnn::ops
