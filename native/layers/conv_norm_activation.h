#pragma once

#include <cstdint>
#include <optional>

#include "layers/convolution_unit.h"
#include "layers/layers.h"
#include "layers/norm_layer.h"

namespace maskrcnn {

struct ConvNormActivationOptions {
  int64_t in;
  int64_t out;
  int64_t kernel = 3;
  int64_t stride = 1;
  std::optional<int64_t> padding = std::nullopt;  // none: keeps the size at stride 1
  int64_t dilation = 1;
  int64_t groups = 1;
  Norm norm = Norm::None;
  double norm_eps = 1e-5;
  double norm_momentum = 0.1;
  Activation activation = Activation::ReLU;
};

// Convolution, norm, activation. The convolution has a bias only if there is no norm (torchvision
// ops/misc.py, Conv2dNormActivation). Children: "0" is the convolution, "1" the norm. The initial
// values are those of nn.Conv2d.
struct ConvNormActivation : Layer {
  explicit ConvNormActivation(const ConvNormActivationOptions& options);

  // [N,in,H,W] -> [N,out,H/stride,W/stride]
  at::Tensor forward(const at::Tensor& x) override;

  std::shared_ptr<Conv2d> conv;

 private:
  ConvolutionUnit unit_;
};

}  // namespace maskrcnn
