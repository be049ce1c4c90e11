#include "boxes/sampler.h"

#include <algorithm>

#include "device/transfers.h"

namespace maskrcnn {

namespace {

// Of the `total` places where the mask is set, `count` at random, rising.
at::Tensor draw(const at::Tensor& mask, int64_t total, int64_t count, at::Generator& generator) {
  const auto order = at::randperm(total, generator, at::TensorOptions().dtype(at::kLong));
  const auto ranks = std::get<0>(order.slice(0, 0, count).sort());
  // The place of rank r is the first with r + 1 set ones up to it. Unlike nonzero(), that need not
  // be waited for.
  return at::searchsorted(mask.cumsum(0), upload(ranks + 1, mask.device()));
}

}  // namespace

std::vector<BalancedSampler::Sample> BalancedSampler::sample(
    const std::vector<at::Tensor>& labels, at::Generator& generator) const {
  std::vector<at::Tensor> positive, negative, sums;
  for (const auto& image : labels) {
    positive.push_back(image >= 1);
    negative.push_back(image == 0);
    sums.push_back(positive.back().sum());
    sums.push_back(negative.back().sum());
  }
  const auto totals = read_back({at::stack(sums)}).front();  // [2N] i64
  const auto* total = totals.const_data_ptr<int64_t>();
  const auto most_positive =
      static_cast<int64_t>(static_cast<double>(batch_size_) * positive_fraction_);
  std::vector<Sample> samples;
  for (size_t image = 0; image < labels.size(); ++image) {
    const auto positives = total[2 * image], negatives = total[2 * image + 1];
    const auto positive_count = std::min(positives, most_positive);
    const auto negative_count = std::min(negatives, batch_size_ - positive_count);
    // In two statements: the order of the draws is part of the parity.
    const auto drawn_positive = draw(positive[image], positives, positive_count, generator);
    const auto drawn_negative = draw(negative[image], negatives, negative_count, generator);
    samples.push_back({drawn_positive, drawn_negative});
  }
  return samples;
}

}  // namespace maskrcnn
