#include "layers/recomputed.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "device/precision.h"
#include "ops/differentiable.h"

namespace maskrcnn {
namespace {

// Layers that are computed again together. More would keep fewer inputs, but what so many layers
// compute is then there at once. The longest part of a ResNet-50 has as many blocks.
constexpr size_t kLayersAtOnce = 6;

thread_local bool recomputes = false;

class RecomputingScope {
 public:
  RecomputingScope() : before_(std::exchange(recomputes, true)) {}
  ~RecomputingScope() { recomputes = before_; }
  RecomputingScope(const RecomputingScope&) = delete;
  RecomputingScope& operator=(const RecomputingScope&) = delete;

 private:
  bool before_;
};

std::vector<at::Tensor> with_gradients(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> found;
  std::ranges::copy_if(tensors, std::back_inserter(found), [](const at::Tensor& tensor) {
    return tensor.requires_grad();
  });
  return found;
}

}  // namespace

bool is_recomputing() {
  return recomputes;
}

at::Tensor recomputed(
    const at::Tensor& x,
    const std::vector<at::Tensor>& parameters,
    std::function<at::Tensor(const at::Tensor& x)> compute) {
  const auto trained = with_gradients(parameters);
  std::vector<at::Tensor> inputs = {x};
  std::ranges::copy(trained, std::back_inserter(inputs));
  if (!ops::wants_gradients(inputs)) return compute(x);
  const auto forward = [&] {
    // Recorded, and thrown away: without gradients, other kernels would give other last digits.
    const at::AutoGradMode records(true);
    return compute(x.detach().requires_grad_(x.requires_grad())).detach();
  };
  auto backward =
      [trained, compute, precision = current_precision(x.device())](const ops::Backward& pass) {
        const bool wants_x = pass.wanted[0];
        const auto from = pass.saved[0].detach().requires_grad_(wants_x);
        const auto result = [&] {
          const at::AutoGradMode records(true);
          const RecomputingScope again;
          const AutocastScope autocast(precision, from.device());
          return compute(from);
        }();
        auto wanted = trained;
        if (wants_x) wanted.insert(wanted.begin(), from);
        auto grads = ops::gradients(result, wanted, pass.grad);
        if (!wants_x) grads.insert(grads.begin(), at::Tensor());
        return grads;
      };
  return ops::differentiable(inputs, /*saved=*/{x}, forward, std::move(backward));
}

at::Tensor recomputed(std::span<const std::shared_ptr<Layer>> layers, const at::Tensor& x) {
  auto out = x;
  for (size_t first = 0; first < layers.size(); first += kLayersAtOnce) {
    const auto part = layers.subspan(first, std::min(kLayersAtOnce, layers.size() - first));
    std::vector<at::Tensor> parameters;
    for (const auto& layer : part)
      std::ranges::copy(layer->parameters(), std::back_inserter(parameters));
    out = recomputed(
        out, parameters, [part](const at::Tensor& from) { return run_layers(part, from); });
  }
  return out;
}

}  // namespace maskrcnn
