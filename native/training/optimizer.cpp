#include "training/optimizer.h"

#include <ATen/core/grad_mode.h>

#include <unordered_map>

#include "device/transfers.h"

namespace maskrcnn {

namespace {

// libtorch's fused optimizer kernels do not increment the version of the tensors they write to.
// Caches of converted weights (weight_cache.h) rely on the version.
const at::Tensor& changing(const at::Tensor& parameter) {
  parameter.unsafeGetTensorImpl()->bump_version();
  return parameter;
}

// Returns a contiguous copy, whatever the strides on the device are.
at::Tensor copy_to_cpu(const at::Tensor& tensor) {
  return tensor.to(at::kCPU, tensor.scalar_type(), /*non_blocking=*/false, /*copy=*/true)
      .contiguous();
}

}  // namespace

Optimizer::Optimizer(
    std::vector<ParameterGroup> groups,
    NamedTensors averaged,
    std::optional<SgdOptions> sgd,
    std::optional<AdamWOptions> adamw)
    : sgd_(sgd), adamw_(adamw) {
  TORCH_CHECK(sgd_.has_value() != adamw_.has_value(), "an optimizer is either SGD or AdamW");
  for (auto& group : groups) {
    Group own{{}, group.lr_multiplier, group.weight_decay};
    for (auto& [name, parameter] : group.parameters)
      own.slots.push_back({name, parameter, {}, {}, {}, {}});
    groups_.push_back(std::move(own));
  }
  for (auto& [name, tensor] : averaged) averages_.push_back({name, tensor.detach(), {}});
}

std::vector<at::Tensor> Optimizer::gradients() const {
  std::vector<at::Tensor> gradients;
  for (const auto& group : groups_) {
    for (const auto& slot : group.slots) {
      if (slot.parameter.grad().defined()) gradients.push_back(slot.parameter.grad());
    }
  }
  return gradients;
}

double Optimizer::step(double lr, std::optional<double> clip_norm) {
  check_not_swapped();
  const at::NoGradGuard no_grad;
  auto gradients = this->gradients();
  if (gradients.empty()) return 0;
  const auto norm = at::stack(at::_foreach_norm(gradients)).norm();
  ReadBack norm_on_cpu({norm});
  // The 1e-6 is from torch.nn.utils.clip_grad_norm_.
  if (clip_norm) at::_foreach_mul_(gradients, (*clip_norm / (norm + 1e-6)).clamp_max(1));
  // Non-finite gradients would make all parameters non-finite. The kernels check found_inf on the
  // device, so that a GPU can run the step while the program waits for the norm.
  const auto found_inf = norm.isfinite().logical_not().to(at::kFloat);
  for (auto& group : groups_) {
    if (sgd_) {
      step_sgd(group, lr * group.lr_multiplier, found_inf);
    } else {
      step_adamw(group, lr * group.lr_multiplier, found_inf);
    }
  }
  zero_grad();
  return norm_on_cpu.wait().front().item<double>();
}

void Optimizer::step_sgd(Group& group, double lr, const at::Tensor& found_inf) {
  // In one call, the kernel initialises either all momentum buffers from the gradients or none. So
  // there is one call for the parameters at their first step and one for the others.
  for (const bool first : {false, true}) {
    std::vector<at::Tensor> parameters, gradients, buffers;
    for (auto& slot : group.slots) {
      if (!slot.parameter.grad().defined() || slot.momentum_buffer.defined() == first) continue;
      if (first && sgd_->momentum != 0) slot.momentum_buffer = at::zeros_like(slot.parameter);
      parameters.push_back(changing(slot.parameter));
      gradients.push_back(slot.parameter.grad());
      if (sgd_->momentum != 0) buffers.push_back(slot.momentum_buffer);
    }
    if (parameters.empty()) continue;
    at::_fused_sgd_(
        parameters,
        gradients,
        buffers,
        group.weight_decay,
        sgd_->momentum,
        lr,
        /*dampening=*/0,
        sgd_->nesterov,
        /*maximize=*/false,
        /*is_first_step=*/first && sgd_->momentum != 0,
        /*grad_scale=*/{},
        found_inf);
  }
}

void Optimizer::step_adamw(Group& group, double lr, const at::Tensor& found_inf) {
  std::vector<at::Tensor> parameters, gradients, exp_avgs, exp_avg_sqs, steps;
  for (auto& slot : group.slots) {
    if (!slot.parameter.grad().defined()) continue;
    if (!slot.exp_avg.defined()) {
      slot.exp_avg = at::zeros_like(slot.parameter);
      slot.exp_avg_sq = at::zeros_like(slot.parameter);
      slot.step = at::zeros({}, slot.parameter.options());
    }
    parameters.push_back(changing(slot.parameter));
    gradients.push_back(slot.parameter.grad());
    exp_avgs.push_back(slot.exp_avg);
    exp_avg_sqs.push_back(slot.exp_avg_sq);
    steps.push_back(slot.step);
  }
  if (parameters.empty()) return;
  at::_foreach_add_(steps, 1 - found_inf);
  at::_fused_adamw_(
      parameters,
      gradients,
      exp_avgs,
      exp_avg_sqs,
      /*max_exp_avg_sqs=*/{},
      steps,
      lr,
      adamw_->beta1,
      adamw_->beta2,
      group.weight_decay,
      adamw_->eps,
      /*amsgrad=*/false,
      /*maximize=*/false,
      /*grad_scale=*/{},
      found_inf);
}

void Optimizer::zero_grad() {
  for (auto& group : groups_) {
    for (auto& slot : group.slots) slot.parameter.mutable_grad().reset();
  }
}

void Optimizer::scale_gradients(double factor) {
  auto gradients = this->gradients();
  if (!gradients.empty()) at::_foreach_mul_(gradients, factor);
}

void Optimizer::update_average(double decay) {
  check_not_swapped();
  std::vector<at::Tensor> averages, tensors;
  for (auto& slot : averages_) {
    if (!slot.average.defined()) {
      slot.average = slot.tensor.clone();
      continue;
    }
    averages.push_back(slot.average);
    tensors.push_back(slot.tensor);
  }
  if (!averages.empty()) at::_foreach_lerp_(averages, tensors, 1 - decay);
}

void Optimizer::swap_average() {
  for (auto& slot : averages_) {
    if (!slot.average.defined()) continue;
    const auto tensor = slot.tensor.clone();
    slot.tensor.copy_(slot.average);
    slot.average.copy_(tensor);
  }
  is_swapped_ = !is_swapped_;
}

void Optimizer::check_not_swapped() const {
  TORCH_CHECK(!is_swapped_, "the weights are exchanged for their averages");
}

void Optimizer::release() {
  groups_.clear();
  averages_.clear();
}

std::vector<std::pair<const char*, at::Tensor Optimizer::Slot::*>> Optimizer::fields() const {
  if (sgd_) return {{"momentum_buffer", &Slot::momentum_buffer}};
  return {{"exp_avg", &Slot::exp_avg}, {"exp_avg_sq", &Slot::exp_avg_sq}, {"step", &Slot::step}};
}

NamedTensors Optimizer::state() const {
  check_not_swapped();
  NamedTensors state;
  for (const auto& group : groups_) {
    for (const auto& slot : group.slots) {
      for (const auto& [field, member] : fields()) {
        if ((slot.*member).defined())
          state.emplace_back(slot.name + "." + field, copy_to_cpu(slot.*member));
      }
    }
  }
  for (const auto& [name, tensor, average] : averages_) {
    if (average.defined()) state.emplace_back(name + ".average", copy_to_cpu(average));
  }
  return state;
}

void Optimizer::load_state(const NamedTensors& state) {
  check_not_swapped();
  std::unordered_map<std::string, at::Tensor> by_name(state.begin(), state.end());
  // Returns the state called `name`, with the layout of `like`. Undefined if there is no such
  // state.
  const auto take = [&](const std::string& name, at::IntArrayRef sizes, const at::Tensor& like) {
    const auto found = by_name.find(name);
    if (found == by_name.end()) return at::Tensor();
    TORCH_CHECK(
        found->second.sizes() == sizes,
        "optimizer state ",
        name,
        " has shape ",
        found->second.sizes(),
        ", expected ",
        sizes);
    // Not `to`, because the kernels also require the strides of the parameter.
    auto tensor =
        sizes.equals(like.sizes()) ? at::empty_like(like) : at::empty(sizes, like.options());
    tensor.copy_(found->second);
    by_name.erase(found);
    return tensor;
  };
  for (auto& group : groups_) {
    for (auto& slot : group.slots) {
      for (const auto& [field, member] : fields()) {
        const auto sizes = member == &Slot::step ? at::IntArrayRef{} : slot.parameter.sizes();
        slot.*member = take(slot.name + "." + field, sizes, slot.parameter.detach());
      }
    }
  }
  for (auto& slot : averages_)
    slot.average = take(slot.name + ".average", slot.tensor.sizes(), slot.tensor);
  TORCH_CHECK(
      by_name.empty(),
      "optimizer state ",
      by_name.begin()->first,
      " belongs to no parameter of this optimizer");
}

}  // namespace maskrcnn
