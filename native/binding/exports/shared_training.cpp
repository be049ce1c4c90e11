#include "binding/exports/shared_training.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "layers/batch_norm.h"

namespace maskrcnn::binding {

namespace {

std::vector<at::Tensor> trained(const MaskRCNN& network) {
  std::vector<at::Tensor> parameters;
  for (const auto& parameter : network.parameters())
    if (parameter.requires_grad()) parameters.push_back(parameter);
  return parameters;
}

// Seconds since the last call.
class Stopwatch {
 public:
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    const std::chrono::duration<double> passed = now - std::exchange(begun_, now);
    return passed.count();
  }

 private:
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

// own / all, but 0 if there is none at all: then the loss is 0 as well.
double share(int64_t own, double all) {
  return static_cast<double>(own) / std::max(all, 1.0);
}

}  // namespace

SharedTraining::SharedTraining(
    std::shared_ptr<maskrcnn::Group> group,
    const std::shared_ptr<MaskRCNN>& network,
    at::ScalarType wire)
    : group_(std::move(group)), network_(network), gradients_(group_, trained(*network), wire) {
  const at::NoGradGuard no_grad;
  auto tensors = network->parameters();
  for (const auto& buffer : network->buffers()) tensors.push_back(buffer);
  for (const auto& tensor : tensors) {
    auto values = tensor.detach().clone(at::MemoryFormat::Contiguous);
    group_->broadcast(values);
    // A copy, so that caches of converted weights see the change.
    tensor.detach().copy_(values);
  }
  network->for_each([this](const Module& part) {
    if (const auto* norm = dynamic_cast<const BatchNorm2d*>(&part)) {
      statistics_.push_back(norm->running_mean);
      statistics_.push_back(norm->running_var);
      batches_.push_back(norm->num_batches_tracked);
    }
  });
}

SharedTraining::Outcome SharedTraining::compute(
    const std::vector<at::Tensor>& images,
    std::vector<Target> targets,
    Generators generators,
    double loss_scale,
    bool completes) {
  const at::AutoGradMode grad_mode(true);
  network_->train();
  try {
    std::optional<MaskRCNNLosses> own;
    if (!images.empty()) own = network_->compute_losses(images, std::move(targets), generators);
    const auto [boxes, masks, anchors] = own ? own->counts : MaskRCNNLosses::Counts{0, 0, 0};
    const auto count = static_cast<int64_t>(images.size());

    Stopwatch watch;
    const auto counts =
        at::tensor(at::ArrayRef<int64_t>{count, boxes, masks, anchors}, at::kDouble);
    group_->sum(counts);
    const auto* const all = counts.const_data_ptr<double>();
    Outcome outcome{{}, static_cast<int64_t>(all[0]), watch.lap(), 0};

    auto losses = at::zeros({5}, at::kDouble);
    if (own) {
      own->classifier = own->classifier * share(boxes, all[1]);
      own->box_reg = own->box_reg * share(boxes, all[1]);
      own->mask = own->mask * share(masks, all[2]);
      own->objectness = own->objectness * share(anchors, all[3]);
      own->rpn_box_reg = own->rpn_box_reg * share(anchors, all[3]);
      losses = own->values().to(at::kDouble);
    }
    const auto sum_of_losses = group_->begin_sum(losses);
    if (completes) gradients_.begin();
    if (own) (own->total() * loss_scale).backward();
    watch.lap();
    if (completes) gradients_.finish();
    average_statistics(count, all[0]);
    sum_of_losses->wait();
    if (completes) outcome.summed = watch.lap();
    std::copy_n(losses.const_data_ptr<double>(), outcome.losses.size(), outcome.losses.begin());
    return outcome;
  } catch (...) {
    gradients_.cancel();
    // The gradients of a failed batch must not be part of the next step.
    for (const auto& parameter : network_->parameters()) parameter.mutable_grad().reset();
    throw;
  }
}

void SharedTraining::average_statistics(int64_t own, double all) const {
  if (statistics_.empty() || all == 0) return;
  const at::NoGradGuard no_grad;
  // A rank without an image counts the batch like the others.
  for (auto batches : batches_)
    if (own == 0) batches.add_(1);
  const auto values = at::cat(statistics_).mul_(static_cast<double>(own));
  group_->sum(values);
  values.div_(all);
  int64_t place = 0;
  for (auto statistic : statistics_) {
    statistic.copy_(values.slice(0, place, place + statistic.numel()));
    place += statistic.numel();
  }
}

}  // namespace maskrcnn::binding
