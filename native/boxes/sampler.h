#pragma once

#include <vector>

#include "aten.h"
#include "device/transfers.h"

namespace maskrcnn {

struct SamplingOptions {
  double fg_iou_thresh;
  double bg_iou_thresh;
  int64_t batch_size_per_image;
  double positive_fraction;
};

// Draws boxes for the loss so that positives do not drown (Fast R-CNN, section 2.3; torchvision
// detection/_utils.py). Draws from the generator as torchvision does from the global one: a
// permutation of the positives, then one of the negatives, image by image, so that equal seeds give
// equal samples on every device.
class BalancedSampler {
 public:
  explicit BalancedSampler(const SamplingOptions& options)
      : batch_size_(options.batch_size_per_image), positive_fraction_(options.positive_fraction) {}

  // The boxes that samples are drawn from, whose numbers are on their way to the CPU: a GPU has
  // other things to do until draw().
  struct Pool {
    std::vector<at::Tensor> positive, negative;  // [R] bool of each image
    ReadBack totals;                             // [2N] i64: of its positives, of its negatives
  };
  // labels: [R] of each image, > 0 positive, 0 negative, < 0 ignored
  static Pool pool(const std::vector<at::Tensor>& labels);

  struct Sample {
    at::Tensor positive;  // indices, rising
    at::Tensor negative;
  };
  std::vector<Sample> draw(Pool& pool, at::Generator& generator) const;

 private:
  int64_t batch_size_;
  double positive_fraction_;
};

}  // namespace maskrcnn
