#include "boxes/sampler.h"

#include <algorithm>
#include <utility>

#include "boxes/permutation.h"

namespace maskrcnn {

namespace {

// Draws `count` random positions from the `total` positions where the mask is set, in ascending
// order.
at::Tensor draw_from(
    const at::Tensor& mask, int64_t total, int64_t count, at::Generator& generator) {
  const auto ranks = std::get<0>(first_of_permutation(total, count, generator).sort());
  // The position with rank r is the first whose cumulative sum is r + 1. Unlike nonzero(), this
  // does not wait for the GPU.
  return at::searchsorted(mask.cumsum(0), upload(ranks + 1, mask.device()));
}

}  // namespace

BalancedSampler::Pool BalancedSampler::pool(const std::vector<at::Tensor>& labels) {
  std::vector<at::Tensor> positive, negative, totals;
  for (const auto& image : labels) {
    positive.push_back(image >= 1);
    negative.push_back(image == 0);
    totals.push_back(positive.back().sum());
    totals.push_back(negative.back().sum());
  }
  return {std::move(positive), std::move(negative), ReadBack({at::stack(totals)})};
}

std::vector<BalancedSampler::Sample> BalancedSampler::draw(
    Pool& pool, Generators& generators) const {
  const auto& [positive, negative, _] = pool;
  const auto* total = pool.totals.wait().front().const_data_ptr<int64_t>();
  const auto most_positive =
      static_cast<int64_t>(static_cast<double>(batch_size_) * positive_fraction_);
  std::vector<Sample> samples;
  for (size_t image = 0; image < positive.size(); ++image) {
    const auto positives = total[2 * image], negatives = total[2 * image + 1];
    const auto positive_count = std::min(positives, most_positive);
    const auto negative_count = std::min(negatives, batch_size_ - positive_count);
    auto& generator = generators[image];
    // Two statements, because parity requires this order of the draws.
    const auto drawn_positive = draw_from(positive[image], positives, positive_count, generator);
    const auto drawn_negative = draw_from(negative[image], negatives, negative_count, generator);
    samples.push_back({drawn_positive, drawn_negative});
  }
  return samples;
}

}  // namespace maskrcnn
