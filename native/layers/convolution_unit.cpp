#include "layers/convolution_unit.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <iterator>

#include "convolution/convolution.h"
#include "device/precision.h"
#include "ops/differentiable.h"
#include "ops/relu6.h"

namespace maskrcnn {

namespace {

// May overwrite its argument, which must be a fresh result that nobody else reads.
at::Tensor activate(Activation activation, at::Tensor x) {
  switch (activation) {
    case Activation::None:
      return x;
    case Activation::ReLU:
      return x.relu_();
    case Activation::ReLU6:
      return x.requires_grad() ? ops::relu6(x) : at::hardtanh_(x, 0, 6);
    // Its backward pass reads its input: in place, autograd would copy it first.
    case Activation::Hardswish:
      return x.requires_grad() ? at::hardswish(x) : at::hardswish_(x);
  }
  TORCH_CHECK(false, "unknown activation");
}

ops::Epilogue epilogue_of(Activation activation) {
  switch (activation) {
    case Activation::None:
      return {"none", {}};
    case Activation::ReLU:
      return ops::relu_epilogue();
    case Activation::ReLU6:
      return {"hardtanh", {0.0, 6.0}};
    case Activation::Hardswish:
      return {"hardswish", {}};
  }
  TORCH_CHECK(false, "unknown activation");
}

// In float32, the copies of weights that are larger than the maps cost more memory than they save
// time.
bool pays_to_prepack(const at::Tensor& x, const Conv2d& conv) {
  const auto type = prepacked_weights_type(x);
  const auto geometry = conv.geometry();
  if (!type || ops::suits_winograd(x, conv.weight, geometry) ||
      ops::must_transpose(x, conv.weight, geometry)) {
    return false;
  }
  return type != at::kFloat || conv.weight.numel() <= x.numel();
}

}  // namespace

at::Tensor ConvolutionUnit::forward(const at::Tensor& x, const at::Tensor& addend) {
  const bool is_frozen = norm_ && norm_->is_frozen();
  const bool is_fixed = !norm_ || is_frozen || !norm_->is_training();
  const bool folds = is_fixed && !ops::wants_gradients(sources());
  // oneDNN's ReLU6 makes a number of what is none, but a step must see that a run diverges.
  const bool hides_nan = activation_ == Activation::ReLU6 && at::GradMode::is_enabled();
  const bool can_end = !addend.defined() || conv_->geometry().groups == 1;
  if (folds && can_end && !hides_nan && !ops::wants_gradients({x, addend}) &&
      pays_to_prepack(x, *conv_)) {
    return forward_prepacked(x.to(*prepacked_weights_type(x)), addend);
  }
  const ops::LayerEnd end{addend, /*relu=*/activation_ == Activation::ReLU};
  const auto convolve = [&](const ConvolutionWeights& weights, const ops::LayerEnd& its_end) {
    return ops::convolve(x, weights.weight, weights.bias, conv_->geometry(), its_end);
  };
  at::Tensor out;
  if (const auto type = cached_weights_type(x); type && folds) {
    out = convolve(cached_weights(*type), end);
  } else if (is_frozen || !norm_ || folds) {
    // Part of the weights, a fixed norm costs no pass over the result.
    out = convolve(fixed_weights(), end);
  } else {
    out = norm_->forward(convolve({conv_->weight, conv_->bias}, {}), end);
  }
  return end.relu ? out : activate(activation_, out);
}

ConvolutionWeights ConvolutionUnit::fixed_weights() const {
  if (!norm_) return {conv_->weight, conv_->bias};
  const auto [scale, shift] = norm_->affine().value();
  return {
      conv_->weight * scale.view({-1, 1, 1, 1}),
      conv_->bias.defined() ? shift + conv_->bias * scale : shift};
}

std::vector<at::Tensor> ConvolutionUnit::parameters() const {
  auto parameters = conv_->parameters();
  if (norm_) std::ranges::copy(norm_->parameters(), std::back_inserter(parameters));
  return parameters;
}

std::vector<at::Tensor> ConvolutionUnit::sources() const {
  std::vector<at::Tensor> sources = {conv_->weight, conv_->bias};
  if (norm_) {
    for (const auto& [name, tensor] : norm_->own_parameters()) sources.push_back(tensor);
    for (const auto& [name, tensor] : norm_->own_buffers()) sources.push_back(tensor);
  }
  return sources;
}

const ConvolutionWeights& ConvolutionUnit::cached_weights(at::ScalarType type) {
  return cached_.get(sources(), [&] {
    const auto [weight, bias] = fixed_weights();
    return ConvolutionWeights{weight.to(type), bias.defined() ? bias.to(type) : bias};
  });
}

at::Tensor ConvolutionUnit::forward_prepacked(const at::Tensor& input, const at::Tensor& addend) {
  const auto& prepacked = prepacked_.get(sources(), [&] {
    const auto [weight, bias] = fixed_weights();
    return ops::PrepackedConvolution(
        weight, bias, conv_->geometry(), input, epilogue_of(activation_));
  });
  return prepacked.forward(input, addend, /*keeps_nan=*/at::GradMode::is_enabled());
}

}  // namespace maskrcnn
