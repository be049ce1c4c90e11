#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "convolution/convolution.h"

// Convolutions in float32 or bfloat16 and linear layers in bfloat16 with prepacked weights, on the
// CPU, without gradients. The weights are in oneDNN's own layout, and the epilogue needs no extra
// pass over the result.

namespace maskrcnn::ops {

// An elementwise function of the result: libtorch's name for it and its arguments.
struct Epilogue {
  std::string name;
  std::vector<double> arguments;
};

// ReLU that keeps what is not a number. oneDNN's own makes 0 of it, so that a run which diverges
// would look as if it went on. This one has a slope of 1e-12 below 0, which is lost in any sum.
// With 1e-30, products become denormal numbers, and a training step took a quarter longer.
Epilogue relu_epilogue();

// Whether libtorch has oneDNN and the machine has the instructions that oneDNN needs to be fast in
// this type.
bool can_prepack(at::ScalarType type);

// epilogue(convolution + addend) with weights that may be prepacked. All are in the type to compute
// in, and x is not empty. The result is channels-last if x is. With an addend, there must be one
// group, and the epilogue is ReLU or none; oneDNN's ReLU after a sum makes 0 of what is not a
// number, unless `keeps_nan`, which takes another pass.
at::Tensor convolve_to_end(
    const at::Tensor& x,
    const at::Tensor& weight,
    const at::Tensor& bias,    // [K] or undefined
    const at::Tensor& addend,  // undefined, or of the size of the result
    const ConvolutionGeometry& geometry,
    const Epilogue& epilogue,
    bool keeps_nan);

class PrepackedConvolution {
 public:
  // weight is [K,C/groups,h,w]; bias is [K] or undefined. Both are copied. example is an input of
  // typical size, in the type to compute in: oneDNN chooses the layout of the weights for it.
  PrepackedConvolution(
      const at::Tensor& weight,
      const at::Tensor& bias,
      const ConvolutionGeometry& geometry,
      const at::Tensor& example,
      const Epilogue& epilogue);

  // x: [N,C,H,W] in that type, not empty -> epilogue(convolution + addend), channels-last if x is
  at::Tensor forward(const at::Tensor& x, const at::Tensor& addend, bool keeps_nan) const;

 private:
  at::Tensor weight_, bias_;
  ConvolutionGeometry geometry_;
  Epilogue epilogue_;
};

class PrepackedLinear {
 public:
  // weight is [K,C]; bias is [K]. Both may be of any type, and are copied. rows is the typical
  // number of input rows.
  PrepackedLinear(
      const at::Tensor& weight, const at::Tensor& bias, int64_t rows, const Epilogue& epilogue);

  at::Tensor forward(const at::Tensor& x) const;  // [R,C] bfloat16, not empty -> [R,K]

 private:
  at::Tensor weight_, bias_;
  double multiplications_per_element_;
  Epilogue epilogue_;
};

}  // namespace maskrcnn::ops
