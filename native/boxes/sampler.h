#pragma once

#include <vector>

#include "aten.h"
#include "boxes/generators.h"
#include "device/transfers.h"

namespace maskrcnn {

struct SamplingOptions {
  double fg_iou_thresh;
  double bg_iou_thresh;
  int64_t batch_size_per_image;
  double positive_fraction;
};

// Samples boxes for the loss so that negatives do not swamp the positives (Fast R-CNN,
// section 2.3; torchvision detection/_utils.py). Draws from the generators in the same way as
// torchvision draws from the global one: for each image, a permutation of the positives, then one
// of the negatives. So equal seeds give equal samples on every device.
class BalancedSampler {
 public:
  explicit BalancedSampler(const SamplingOptions& options)
      : batch_size_(options.batch_size_per_image), positive_fraction_(options.positive_fraction) {}

  // The boxes to sample from. Their counts are still on their way to the CPU, so a GPU can do other
  // work until draw() is called.
  struct Pool {
    std::vector<at::Tensor> positive, negative;  // [R] bool per image
    ReadBack totals;  // [2N] i64: per image the number of positives, then of negatives
  };
  // labels: [R] per image; > 0 is positive, 0 negative, < 0 ignored
  static Pool pool(const std::vector<at::Tensor>& labels);

  struct Sample {
    at::Tensor positive;  // indices, ascending
    at::Tensor negative;
  };
  // generators: one per image, which may all be the same one.
  std::vector<Sample> draw(Pool& pool, Generators& generators) const;

 private:
  int64_t batch_size_;
  double positive_fraction_;
};

}  // namespace maskrcnn
