#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "layers/module.h"
#include "ops/layer_end.h"

namespace maskrcnn {

enum class Norm { None, Batch, Frozen };

struct NormOptions {
  Norm type = Norm::None;
  double eps = 1e-5;
  double momentum = 0.1;  // of the running statistics; batch norm only
};

// Per channel: x -> scale · x + shift.
struct ChannelAffine {
  at::Tensor scale, shift;  // [C]
};

// [N,C,H,W] -> [N,C,H,W]
struct NormLayer : Layer {
  at::Tensor forward(const at::Tensor& x) final { return forward(x, {}); }
  // With what follows the norm.
  virtual at::Tensor forward(const at::Tensor& x, const ops::LayerEnd& end) = 0;

  // What it does while it is an affine map that no training step changes: a frozen one always, a
  // batch norm in evaluation. Otherwise none.
  virtual std::optional<ChannelAffine> affine() = 0;
  virtual bool is_frozen() const = 0;
};

// Over `channels`. None for Norm::None.
std::shared_ptr<NormLayer> make_norm(const NormOptions& options, int64_t channels);

}  // namespace maskrcnn
