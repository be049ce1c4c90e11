#pragma once

#include <ATen/record_function.h>

#include <chrono>
#include <string>
#include <vector>

#include "aten.h"

namespace maskrcnn {

struct StageCost {
  std::string stage;
  double seconds;
  // Floating-point operations of the convolutions and linear maps, two for each multiply and add.
  double flops;
};

// Attributes the time of this thread, and the operations that it asks libtorch for, to stages: what
// happens between two calls of lap() belongs to the later one's.
class StageCosts {
 public:
  StageCosts();
  ~StageCosts();
  StageCosts(const StageCosts&) = delete;
  StageCosts& operator=(const StageCosts&) = delete;

  void lap(const char* stage);
  const std::vector<StageCost>& costs() const { return costs_; }

 private:
  at::CallbackHandle callback_;
  std::chrono::steady_clock::time_point start_;
  std::vector<StageCost> costs_;
};

// Operations per second that a plain large convolution reaches: 3 x 3, 256 channels on 128 x 176
// pixels, channels-last, in `type`. The best of several.
double convolution_rate(at::ScalarType type);

}  // namespace maskrcnn
