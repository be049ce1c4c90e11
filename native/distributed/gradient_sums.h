#pragma once

#include <memory>
#include <vector>

#include "distributed/group.h"

namespace maskrcnn {

// Sums the gradients of all ranks while the backward pass still computes. The parameters are
// divided into buckets, the last ones of the network first, because their gradients are ready
// first. As soon as those of a bucket are ready, its sum begins.
//
// This is what c10d::Reducer does for DistributedDataParallel (Li et al., "PyTorch Distributed",
// 2020, section 3.2.3). That one divides the gradients by the number of ranks, waits in a way that
// a failure of another rank cannot interrupt, and does not tell how long it waits.
class GradientSums {
 public:
  // The parameters that are trained, in the order of the network, the same on all ranks. `wire` is
  // the type in which sums are computed and sent: float32 or bfloat16.
  GradientSums(
      std::shared_ptr<Group> group, std::vector<at::Tensor> parameters, at::ScalarType wire);
  ~GradientSums();
  GradientSums(const GradientSums&) = delete;
  GradientSums& operator=(const GradientSums&) = delete;

  // Call before the backward pass that completes the gradients of a step.
  void begin();
  // Call after it, or alone if this rank has nothing to compute. Every gradient is then the sum
  // over all ranks. A parameter that had no gradient on any rank still has none.
  void finish();
  // After a backward pass that has thrown.
  void cancel();

 private:
  struct Bucket {
    std::vector<size_t> parameters;
    at::Tensor values;   // all gradients one after the other, then a 1 for each that is there
    size_t missing = 0;  // gradients that are not ready
    std::unique_ptr<Group::Sum> sum;
  };
  struct Hooks;

  void is_ready(size_t parameter);
  void send_ready();
  void send(Bucket& bucket);
  void read(Bucket& bucket);

  std::shared_ptr<Group> group_;
  std::vector<at::Tensor> parameters_;
  std::vector<size_t> bucket_of_;
  std::vector<Bucket> buckets_;  // in the order in which they are sent
  size_t sent_ = 0;
  bool is_on_ = false;
  std::unique_ptr<Hooks> hooks_;
};

}  // namespace maskrcnn
