#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aten.h"

namespace maskrcnn {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

struct SgdOptions {
  double momentum;
  bool nesterov;
};

struct AdamWOptions {
  double beta1;
  double beta2;
  double eps;
};

// Parameters that share a rate multiplier and a weight decay.
struct ParameterGroup {
  NamedTensors parameters;
  double lr_multiplier;
  double weight_decay;
};

// SGD or AdamW as torch.optim has them, by PyTorch's fused kernels. Parameters without a gradient
// are left alone. On request it also keeps a moving average of the weights.
class Optimizer {
 public:
  // `averaged`: what update_average() follows, the parameters and floating-point buffers.
  Optimizer(
      std::vector<ParameterGroup> groups,
      NamedTensors averaged,
      std::optional<SgdOptions> sgd,
      std::optional<AdamWOptions> adamw);

  // Clips the gradients to clip_norm (L2 over all parameters), steps, clears the gradients. Returns
  // the norm before clipping; where that is not finite, no step is taken.
  double step(double lr, std::optional<double> clip_norm);
  void zero_grad();
  void scale_gradients(double factor);

  // average = decay * average + (1 - decay) * weights. The first average is the weights.
  void update_average(double decay);
  // Exchanges weights and averages, for evaluation; the same call again undoes it. Meanwhile
  // nothing else may be done. Before the first update there is nothing to exchange.
  void swap_average();

  // NAME.momentum_buffer, or NAME.exp_avg, NAME.exp_avg_sq and NAME.step, of the parameters that
  // have stepped; NAME.average once there are averages.
  NamedTensors state() const;
  void load_state(const NamedTensors& state);

  // Lets go of all tensors.
  void release();

 private:
  // What one parameter carries from step to step; undefined before its first.
  struct Slot {
    std::string name;
    at::Tensor parameter;
    at::Tensor momentum_buffer;
    at::Tensor exp_avg;
    at::Tensor exp_avg_sq;
    at::Tensor step;  // f32 scalar, as the fused kernels want it
  };
  struct Group {
    std::vector<Slot> slots;
    double lr_multiplier;
    double weight_decay;
  };

  // A tensor of the network and its moving average, undefined before the first update.
  struct Average {
    std::string name;
    at::Tensor tensor;
    at::Tensor average;
  };

  std::vector<at::Tensor> gradients() const;
  void check_not_swapped() const;
  // found_inf: 1 where the step is not to be taken, else 0.
  void step_sgd(Group& group, double lr, const at::Tensor& found_inf);
  void step_adamw(Group& group, double lr, const at::Tensor& found_inf);
  // The tensors of a slot by the name of their state, those of the other algorithm left out.
  std::vector<std::pair<const char*, at::Tensor Slot::*>> fields() const;

  std::vector<Group> groups_;
  std::vector<Average> averages_;
  bool is_swapped_ = false;
  std::optional<SgdOptions> sgd_;
  std::optional<AdamWOptions> adamw_;
};

}  // namespace maskrcnn
