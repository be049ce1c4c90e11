#include "ops/differentiable.h"

#include <c10/core/impl/LocalDispatchKeySet.h>
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
      variable_list saved,
      const std::function<at::Tensor()>& forward,
      BackwardFunction backward,
      bool saves_result) {
    const auto result = forward();
    if (saves_result) saved.push_back(result);
    context->save_for_backward(std::move(saved));
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
    results.resize(inputs + 4);  // none for `saved`, the functions and `saves_result`
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
    std::function<std::vector<at::Tensor>(const Backward&)> backward,
    bool saves_result) {
  return Differentiable::apply(inputs, saved, forward, std::move(backward), saves_result);
}

at::Tensor sum_of_blocks(
    const at::Tensor& rows,
    const std::vector<at::Tensor>& parameters,
    int64_t at_once,
    const std::function<at::Tensor(const at::Tensor& block, int64_t first)>& compute) {
  std::vector<at::Tensor> inputs = {rows}, grads;
  inputs.insert(inputs.end(), parameters.begin(), parameters.end());
  const bool differentiates = wants_gradients(inputs);
  if (differentiates) {
    for (const auto& input : inputs)
      grads.push_back(input.requires_grad() ? at::zeros_like(input) : at::Tensor());
  }
  const auto add_gradients = [&](const at::Tensor& part, const at::Tensor& block, int64_t first) {
    const c10::impl::ExcludeDispatchKeyGuard without_autocast(c10::autocast_dispatch_keyset);
    std::vector<at::Tensor> sources, sums;
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (!grads[i].defined()) continue;
      sources.push_back(i == 0 ? block : inputs[i]);
      sums.push_back(i == 0 ? grads[i].narrow(0, first, block.size(0)) : grads[i]);
    }
    const auto found = gradients(part, sources, at::ones_like(part));
    for (size_t i = 0; i < sums.size(); ++i) sums[i].add_(found[i]);
  };
  const auto sum = [&] {
    auto total = at::zeros({}, rows.options().dtype(at::kFloat));
    for (int64_t first = 0; first < rows.size(0); first += at_once) {
      const auto block = rows.narrow(0, first, std::min(at_once, rows.size(0) - first))
                             .detach()
                             .requires_grad_(differentiates && rows.requires_grad());
      const at::AutoGradMode records(differentiates);
      const auto part = compute(block, first);
      if (differentiates) add_gradients(part, block, first);
      total += part.detach();
    }
    return total;
  };
  if (!differentiates) return sum();
  return differentiable(inputs, /*saved=*/grads, sum, [](const Backward& pass) {
    std::vector<at::Tensor> results;
    for (const auto& grad : pass.saved)
      results.push_back(grad.defined() ? grad * pass.grad : at::Tensor());
    return results;
  });
}

std::vector<at::Tensor> gradients(
    const at::Tensor& result, const std::vector<at::Tensor>& inputs, const at::Tensor& weights) {
  return torch::autograd::grad({result}, inputs, {weights});
}

}  // namespace maskrcnn::ops
