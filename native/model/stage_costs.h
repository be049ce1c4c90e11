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
  // Floating-point operations of convolutions and linear layers: two per multiply-add.
  double flops;
};

// Measures the time of this thread and counts the operations that it calls in libtorch, per stage.
// A stage is everything since the last call of lap(), or since the start.
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

// Operations per second of a plain large convolution: 3 x 3, 256 channels, 128 x 176 pixels,
// channels-last, in `type`. The best of several runs.
double convolution_rate(at::ScalarType type);

}  // namespace maskrcnn
