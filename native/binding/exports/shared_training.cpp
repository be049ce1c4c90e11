#include "binding/exports/shared_training.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "device/transfers.h"

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
    at::ScalarType wire,
    bool sync_batch_norm)
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
  const auto exchange = sync_batch_norm ? make_exchange() : nullptr;
  network->for_each([&](const Module& part) {
    for (const auto& [name, child] : part.children()) {
      auto* const norm = dynamic_cast<BatchNorm2d*>(child.get());
      if (norm == nullptr) continue;
      if (exchange != nullptr) {
        norm->exchange = exchange;
        synced_.push_back(norm);
        continue;
      }
      statistics_.push_back(norm->running_mean);
      statistics_.push_back(norm->running_var);
      batches_.push_back(norm->num_batches_tracked);
    }
  });
}

SharedTraining::~SharedTraining() {
  for (auto* const norm : synced_) norm->exchange = nullptr;
}

std::shared_ptr<const ops::Exchange> SharedTraining::make_exchange() {
  const auto timed = [this](const auto& work) {
    Stopwatch watch;
    work();
    exchanged_ += watch.lap();
  };
  return std::make_shared<const ops::Exchange>(ops::Exchange{
      .gather =
          [this, timed](const at::Tensor& values) {
            at::Tensor rows;
            timed([&] { rows = group_->gather_rows(values); });
            return rows;
          },
      .sum = [this, timed](const at::Tensor& values) { timed([&] { group_->sum(values); }); }});
}

int64_t SharedTraining::over_all_ranks(int64_t count) const {
  const auto sum = at::full({1}, count, at::kLong);
  group_->sum(sum);
  return sum.item<int64_t>();
}

SharedTraining::Outcome SharedTraining::compute(
    const std::vector<at::Tensor>& images,
    std::vector<Target> targets,
    Generators generators,
    double loss_scale,
    bool completes) {
  const at::AutoGradMode grad_mode(true);
  network_->train();
  exchanged_ = 0;
  try {
    Outcome outcome{};
    const auto count = static_cast<int64_t>(images.size());
    Stopwatch watch;
    // Of a batch without an image on any rank, norms learn nothing.
    const bool syncs = !synced_.empty() && over_all_ranks(count) > 0;
    outcome.waited += watch.lap();

    std::optional<MaskRCNNLosses> own;
    at::Tensor total;
    if (count > 0) {
      own = network_->compute_losses(images, std::move(targets), generators);
    } else if (syncs) {
      total = network_->pass_no_image();
    }
    outcome.waited += std::exchange(exchanged_, 0);

    watch.lap();
    const auto [boxes, masks, anchors] = own ? own->counts : MaskRCNNLosses::Counts{0, 0, 0};
    const auto counts =
        at::tensor(at::ArrayRef<int64_t>{count, boxes, masks, anchors}, at::kDouble);
    group_->sum(counts);
    const auto* const all = counts.const_data_ptr<double>();
    outcome.images = static_cast<int64_t>(all[0]);
    outcome.waited += watch.lap();

    auto losses = at::zeros({static_cast<int64_t>(outcome.losses.size())});
    if (own) {
      own->classifier = own->classifier * share(boxes, all[1]);
      own->box_reg = own->box_reg * share(boxes, all[1]);
      own->mask = own->mask * share(masks, all[2]);
      own->objectness = own->objectness * share(anchors, all[3]);
      own->rpn_box_reg = own->rpn_box_reg * share(anchors, all[3]);
      losses = own->values();
      total = own->total() * loss_scale;
    }
    // Before the backward pass, so that a GPU still has work when the losses arrive.
    ReadBack copies({losses});
    // The sums of gradients would come between those of the norms, and at other places on a rank
    // without an image, which has fewer gradients.
    if (completes && !syncs) gradients_.begin();
    if (total.defined()) total.backward();
    outcome.summed += std::exchange(exchanged_, 0);

    watch.lap();
    if (completes) gradients_.finish();
    average_statistics(count, all[0]);
    const auto sums = copies.wait().front().to(at::kDouble);
    group_->sum(sums);
    outcome.summed += watch.lap();
    std::copy_n(sums.const_data_ptr<double>(), outcome.losses.size(), outcome.losses.begin());
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
