#pragma once

#include <vector>

#include "aten.h"
#include "model/options.h"

namespace maskrcnn {

// Draws boxes for the loss so that positives do not drown (Fast R-CNN, section 2.3; torchvision
// detection/_utils.py). Draws from the generator as torchvision does from the global one: a
// permutation of the positives, then one of the negatives, image by image, so that equal seeds give
// equal samples on every device.
class BalancedSampler {
 public:
  explicit BalancedSampler(const SamplingOptions& options)
      : batch_size_(options.batch_size_per_image), positive_fraction_(options.positive_fraction) {}

  struct Sample {
    at::Tensor positive;  // indices, rising
    at::Tensor negative;
  };

  // labels: [R] of each image, > 0 positive, 0 negative, < 0 ignored
  std::vector<Sample> sample(const std::vector<at::Tensor>& labels, at::Generator& generator) const;

 private:
  int64_t batch_size_;
  double positive_fraction_;
};

}  // namespace maskrcnn
