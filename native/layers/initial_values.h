#pragma once

#include "aten.h"

// The initial values of torchvision's layers (torch/nn/init.py). Drawn from libtorch's global
// generator.

namespace maskrcnn {

// While an object of this class is alive, this thread draws no random initial values: for a network
// whose parameters are all loaded afterwards. Zeros and ones are still written.
class WithoutInitialValues {
 public:
  WithoutInitialValues();
  ~WithoutInitialValues();
  WithoutInitialValues(const WithoutInitialValues&) = delete;
  WithoutInitialValues& operator=(const WithoutInitialValues&) = delete;
};

// Numbers that go into one output of a layer: [K,C,...] -> C times the size of the kernel.
int64_t fan_in(const at::Tensor& weight);

void draw_uniform(const at::Tensor& tensor, double bound);                   // in -bound..bound
void draw_normal(const at::Tensor& tensor, double deviation);                // around 0
void draw_kaiming_uniform(const at::Tensor& weight, double negative_slope);  // by fan_in
void draw_kaiming_normal(const at::Tensor& weight);  // by K times the kernel, for ReLU
void fill_zeros(const at::Tensor& tensor);           // nothing if it is undefined

}  // namespace maskrcnn
