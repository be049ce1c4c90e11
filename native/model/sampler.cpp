#include "model/sampler.h"

#include <algorithm>

namespace maskrcnn {

namespace {

at::Tensor draw(const at::Tensor& candidates, int64_t count, at::Generator& generator) {
  const auto order =
      at::randperm(candidates.numel(), generator, at::TensorOptions().dtype(at::kLong));
  const auto chosen = candidates.index_select(0, order.slice(0, 0, count).to(candidates.device()));
  return std::get<0>(chosen.sort());
}

}  // namespace

BalancedSampler::Sample BalancedSampler::sample(
    const at::Tensor& labels, at::Generator& generator) const {
  const auto positive = (labels >= 1).nonzero().squeeze(1);
  const auto negative = (labels == 0).nonzero().squeeze(1);
  const auto most_positive =
      static_cast<int64_t>(static_cast<double>(batch_size_) * positive_fraction_);
  const auto positive_count = std::min(positive.numel(), most_positive);
  const auto negative_count = std::min(negative.numel(), batch_size_ - positive_count);
  // In two statements: the order of the draws is part of the parity.
  const auto drawn_positive = draw(positive, positive_count, generator);
  const auto drawn_negative = draw(negative, negative_count, generator);
  return {drawn_positive, drawn_negative};
}

}  // namespace maskrcnn
