#pragma once

#include <cstdint>
#include <vector>

#include "convolution/convolution.h"
#include "layers/module.h"

// The layers that have weights, with the names and the initial values of torch.nn.

namespace maskrcnn {

struct Conv2dOptions {
  int64_t in;
  int64_t out;
  int64_t kernel;
  int64_t stride = 1;
  int64_t padding = 0;
  int64_t dilation = 1;
  int64_t groups = 1;
  bool bias = true;
};

// [N,in,H,W] -> [N,out,...]
struct Conv2d : Layer {
  explicit Conv2d(const Conv2dOptions& options);

  at::Tensor forward(const at::Tensor& x) override;

  ops::ConvolutionGeometry geometry() const;

  Conv2dOptions options;
  at::Tensor weight;  // [out,in/groups,kernel,kernel]
  at::Tensor bias;    // [out] or undefined
};

// The weights of a transposed convolution. Whoever owns it does the convolution.
struct ConvTranspose2d : Module {
  ConvTranspose2d(int64_t in, int64_t out, int64_t kernel);

  at::Tensor weight;  // [in,out,kernel,kernel]
  at::Tensor bias;    // [out]
};

// The weights of a linear map. Whoever owns it does the map.
struct Linear : Module {
  Linear(int64_t in, int64_t out);

  at::Tensor weight;  // [out,in]
  at::Tensor bias;    // [out]
};

}  // namespace maskrcnn
