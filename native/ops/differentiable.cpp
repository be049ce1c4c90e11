#include "ops/differentiable.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace maskrcnn::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

using BackwardFunction = std::function<variable_list(const Backward&)>;

// libtorch's context holds values of its own kinds only, of which this is one.
struct Held : torch::CustomClassHolder {
  explicit Held(BackwardFunction backward) : backward(std::move(backward)) {}
  BackwardFunction backward;
};

struct Differentiable : torch::autograd::Function<Differentiable> {
  static at::Tensor forward(
      AutogradContext* context,
      at::TensorList inputs,
      const variable_list& saved,
      const std::function<at::Tensor()>& forward,
      BackwardFunction backward) {
    const auto result = forward();
    context->save_for_backward(saved);
    context->saved_data["inputs"] = static_cast<int64_t>(inputs.size());
    context->saved_data["backward"] =
        c10::IValue::make_capsule(c10::make_intrusive<Held>(std::move(backward)));
    return result;
  }

  static variable_list backward(AutogradContext* context, const variable_list& grads) {
    const auto inputs = static_cast<size_t>(context->saved_data["inputs"].toInt());
    std::vector<bool> wanted;
    for (size_t i = 0; i < inputs; ++i) wanted.push_back(context->needs_input_grad(i));
    const auto held = context->saved_data["backward"].toCapsule();
    auto results = static_cast<const Held&>(*held).backward(
        {grads[0], context->get_saved_variables(), std::move(wanted)});
    results.resize(inputs + 3);  // none for `saved` and the functions
    return results;
  }
};

}  // namespace

bool wants_gradients(at::TensorList tensors) {
  return at::GradMode::is_enabled() && std::ranges::any_of(tensors, [](const at::Tensor& tensor) {
           return tensor.defined() && tensor.requires_grad();
         });
}

at::Tensor differentiable(
    at::TensorList inputs,
    const std::vector<at::Tensor>& saved,
    const std::function<at::Tensor()>& forward,
    std::function<std::vector<at::Tensor>(const Backward&)> backward) {
  return Differentiable::apply(inputs, saved, forward, std::move(backward));
}

at::Tensor recomputed(
    const std::vector<at::Tensor>& inputs,
    std::function<at::Tensor(const std::vector<at::Tensor>&)> compute) {
  const auto backward = [compute](const Backward& pass) {
    const at::AutoGradMode grad_mode(true);
    std::vector<at::Tensor> again, wanted;
    for (size_t i = 0; i < pass.saved.size(); ++i) {
      again.push_back(pass.saved[i].detach().requires_grad_(pass.wanted[i]));
      if (pass.wanted[i]) wanted.push_back(again.back());
    }
    const auto found = gradients(compute(again), wanted, pass.grad);
    std::vector<at::Tensor> results;
    auto next = found.begin();
    for (const bool is_wanted : pass.wanted) results.push_back(is_wanted ? *next++ : at::Tensor());
    return results;
  };
  return differentiable(
      inputs, /*saved=*/inputs, [&] { return compute(inputs); }, backward);
}

std::vector<at::Tensor> gradients(
    const at::Tensor& result, const std::vector<at::Tensor>& inputs, const at::Tensor& weights) {
  return torch::autograd::grad({result}, inputs, {weights});
}

}  // namespace maskrcnn::ops
