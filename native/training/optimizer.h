#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "named_tensors.h"

namespace maskrcnn {

struct SgdOptions {
  double momentum;
  bool nesterov;
};

struct AdamWOptions {
  double beta1;
  double beta2;
  double eps;
};

// Parameters with a common learning rate multiplier and weight decay.
struct ParameterGroup {
  NamedTensors parameters;
  double lr_multiplier;
  double weight_decay;
};

// SGD or AdamW as in torch.optim, with PyTorch's fused kernels. Does not change parameters that
// have no gradient. Can also keep a moving average of the weights.
class Optimizer {
 public:
  // `averaged`: the tensors that update_average() averages: parameters and floating-point buffers.
  Optimizer(
      std::vector<ParameterGroup> groups,
      NamedTensors averaged,
      std::optional<SgdOptions> sgd,
      std::optional<AdamWOptions> adamw);

  // Clips the gradients to clip_norm (L2 norm over all parameters), takes a step, and clears the
  // gradients. Returns the norm before clipping. If the norm is not finite, takes no step.
  double step(double lr, std::optional<double> clip_norm);
  void zero_grad();
  void scale_gradients(double factor);

  // average = decay * average + (1 - decay) * weights. The first average is a copy of the weights.
  void update_average(double decay);
  // Swaps weights and averages, for evaluation. A second call swaps them back. Between the two
  // calls, nothing else may be called. Before the first update there is nothing to swap.
  void swap_average();

  // NAME.momentum_buffer, or NAME.exp_avg, NAME.exp_avg_sq and NAME.step, for the parameters that
  // have taken a step. NAME.average after the first update of the averages.
  NamedTensors state() const;
  void load_state(const NamedTensors& state);

  // Releases all tensors.
  void release();

 private:
  // The optimizer state of one parameter. Undefined before its first step.
  struct Slot {
    std::string name;
    at::Tensor parameter;
    at::Tensor momentum_buffer;
    at::Tensor exp_avg;
    at::Tensor exp_avg_sq;
    at::Tensor step;  // f32 scalar, as the fused kernels require
  };
  struct Group {
    std::vector<Slot> slots;
    double lr_multiplier;
    double weight_decay;
  };

  // A tensor of the network and its moving average. The average is undefined before the first
  // update.
  struct Average {
    std::string name;
    at::Tensor tensor;
    at::Tensor average;
  };

  std::vector<at::Tensor> gradients() const;
  void check_not_swapped() const;
  // found_inf: 1 to skip the step, otherwise 0.
  void step_sgd(Group& group, double lr, const at::Tensor& found_inf);
  void step_adamw(Group& group, double lr, const at::Tensor& found_inf);
  // The state tensors of a slot by name. Only those of the current algorithm.
  std::vector<std::pair<const char*, at::Tensor Slot::*>> fields() const;

  std::vector<Group> groups_;
  std::vector<Average> averages_;
  bool is_swapped_ = false;
  std::optional<SgdOptions> sgd_;
  std::optional<AdamWOptions> adamw_;
};

}  // namespace maskrcnn
