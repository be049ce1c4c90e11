#include "distributed/gradient_sums.h"

#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/utils/lambda_post_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <numeric>
#include <utility>

namespace maskrcnn {

namespace {

// Bytes of a bucket, and of the first one, which is ready soonest
// (torch/nn/parallel/distributed.py).
constexpr int64_t kFirstBucket = 1 << 20, kBucket = 25 << 20;

}  // namespace

// Calls of libtorch's autograd when a gradient has been added to that of its parameter.
struct GradientSums::Hooks {
  using Accumulator = decltype(torch::autograd::impl::grad_accumulator(at::Tensor()));
  // A parameter does not keep its accumulator alive.
  std::vector<std::pair<Accumulator, uintptr_t>> added;

  ~Hooks() {
    for (auto& [accumulator, key] : added) accumulator->del_post_hook(key);
  }
};

GradientSums::GradientSums(
    std::shared_ptr<Group> group, std::vector<at::Tensor> parameters, at::ScalarType wire)
    : group_(std::move(group)),
      parameters_(std::move(parameters)),
      bucket_of_(parameters_.size()),
      hooks_(std::make_unique<Hooks>()) {
  const auto size = static_cast<int64_t>(c10::elementSize(wire));
  int64_t bytes = 0;
  for (size_t i = parameters_.size(); i-- > 0;) {
    const auto most = buckets_.size() < 2 ? kFirstBucket : kBucket;
    if (buckets_.empty() || (bytes > 0 && bytes + parameters_[i].numel() * size > most)) {
      buckets_.emplace_back();
      bytes = 0;
    }
    bytes += parameters_[i].numel() * size;
    bucket_of_[i] = buckets_.size() - 1;
    buckets_.back().parameters.push_back(i);
  }
  for (auto& bucket : buckets_) {
    auto length = static_cast<int64_t>(bucket.parameters.size());
    for (const auto i : bucket.parameters) length += parameters_[i].numel();
    const auto device = parameters_[bucket.parameters.front()].device();
    bucket.values = at::empty({length}, at::TensorOptions(device).dtype(wire));
  }
  for (size_t i = 0; i < parameters_.size(); ++i) {
    auto accumulator = torch::autograd::impl::grad_accumulator(parameters_[i]);
    const auto key =
        accumulator->add_post_hook(std::make_unique<torch::autograd::utils::LambdaPostHook>(
            [this, i](
                const torch::autograd::variable_list& outputs,
                const torch::autograd::variable_list&) {
              is_ready(i);
              return outputs;
            }));
    hooks_->added.emplace_back(std::move(accumulator), key);
  }
}

GradientSums::~GradientSums() = default;

void GradientSums::begin() {
  is_on_ = true;
  sent_ = 0;
  for (auto& bucket : buckets_) bucket.missing = bucket.parameters.size();
}

void GradientSums::is_ready(size_t parameter) {
  if (!is_on_) return;
  --buckets_[bucket_of_[parameter]].missing;
  send_ready();
}

// All ranks must send the buckets in one order, whichever is ready first.
void GradientSums::send_ready() {
  while (sent_ < buckets_.size() && buckets_[sent_].missing == 0) send(buckets_[sent_++]);
}

void GradientSums::send(Bucket& bucket) {
  const at::NoGradGuard no_grad;
  int64_t place = 0;
  std::vector<float> flags;
  for (const auto i : bucket.parameters) {
    const auto& parameter = parameters_[i];
    const auto& gradient = parameter.grad();
    const auto part = bucket.values.slice(0, place, place + parameter.numel());
    if (gradient.defined()) {
      part.view(parameter.sizes()).copy_(gradient);
    } else {
      part.zero_();
    }
    flags.push_back(gradient.defined() ? 1 : 0);
    place += parameter.numel();
  }
  bucket.values.slice(0, place).copy_(at::tensor(flags));
  bucket.sum = group_->begin_sum(bucket.values);
}

void GradientSums::read(Bucket& bucket) {
  const at::NoGradGuard no_grad;
  bucket.sum->wait();
  bucket.sum.reset();
  int64_t place = 0;
  const auto flags =
      bucket.values.slice(0, bucket.values.numel() - static_cast<int64_t>(bucket.parameters.size()))
          .to(at::kCPU, at::kFloat);
  for (size_t k = 0; k < bucket.parameters.size(); ++k) {
    auto& parameter = parameters_[bucket.parameters[k]];
    const auto part = bucket.values.slice(0, place, place + parameter.numel());
    place += parameter.numel();
    if (flags.const_data_ptr<float>()[k] == 0) continue;
    auto& gradient = parameter.mutable_grad();
    if (!gradient.defined()) gradient = at::empty_like(parameter.detach());
    gradient.copy_(part.view(parameter.sizes()));
  }
}

void GradientSums::finish() {
  if (!is_on_) begin();
  is_on_ = false;
  // What has had no gradient in this pass is sent now, with what it had before.
  for (; sent_ < buckets_.size(); ++sent_) send(buckets_[sent_]);
  for (auto& bucket : buckets_) read(bucket);
}

void GradientSums::cancel() {
  is_on_ = false;
  for (auto& bucket : buckets_) bucket.sum.reset();
}

}  // namespace maskrcnn
