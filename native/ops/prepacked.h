#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "ops/convolution.h"

// Convolutions and linear maps in bfloat16 on the CPU, without gradients, whose weights are kept in
// oneDNN's own order, and whose epilogue does not pass over the result again.

namespace maskrcnn::ops {

// What is done to each number of a result: libtorch's name and its arguments.
struct Epilogue {
  std::string name;
  std::vector<double> arguments;
};

// Whether libtorch has oneDNN, and this machine the instructions that it wants for bfloat16.
bool can_prepack();

class PrepackedConvolution {
 public:
  // weight [K,C/groups,h,w], bias [K] or undefined: of any type; copied. example: an input of the
  // usual size, by which the order of the weights is chosen.
  PrepackedConvolution(
      const at::Tensor& weight,
      const at::Tensor& bias,
      const ConvolutionGeometry& geometry,
      const at::Tensor& example,
      const Epilogue& epilogue);

  // x: [N,C,H,W] bfloat16, not empty -> epilogue(convolution + addend), channels-last where x is
  at::Tensor forward(const at::Tensor& x, const at::Tensor& addend = {}) const;

 private:
  at::Tensor weight_, bias_;
  std::vector<int64_t> stride_, padding_, dilation_;
  int64_t groups_;
  double products_per_number_;
  Epilogue epilogue_;
};

class PrepackedLinear {
 public:
  // weight [K,C], bias [K]: of any type; copied. rows: the usual number of an input's.
  PrepackedLinear(
      const at::Tensor& weight, const at::Tensor& bias, int64_t rows, const Epilogue& epilogue);

  at::Tensor forward(const at::Tensor& x) const;  // [R,C] bfloat16, not empty -> [R,K]

 private:
  at::Tensor weight_, bias_;
  double products_per_number_;
  Epilogue epilogue_;
};

}  // namespace maskrcnn::ops
