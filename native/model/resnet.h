#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "layers/convolution_unit.h"
#include "layers/norm_layer.h"
#include "model/body.h"

namespace maskrcnn {

// Settings of ResNet (Deep Residual Learning), ResNeXt and Wide ResNet.
struct ResNetOptions {
  bool bottleneck;               // three convolutions per block instead of two
  std::array<int64_t, 4> depth;  // blocks per layer
  int64_t groups = 1;
  int64_t width_per_group = 64;
};

bool is_resnet(const std::string& name);
ResNetOptions resnet_options(const std::string& name);

// The shortcut of a block: a 1×1 convolution and a norm if the shape changes, otherwise the
// identity.
struct Shortcut {
  Shortcut() = default;
  // Adds the convolution and the norm as "0" and "1" of the parent's "downsample".
  Shortcut(Module& parent, int64_t in, int64_t out, int64_t stride, const NormOptions& norm);

  at::Tensor forward(const at::Tensor& x);  // [N,in,H,W] -> [N,out,H/stride,W/stride]

  ConvolutionUnit projection;  // empty for the identity
};

// Two 3×3 convolutions and a shortcut.
struct BasicBlock : Layer {
  BasicBlock(int64_t in, int64_t planes, int64_t stride, const NormOptions& norm);

  // [N,in,H,W] -> [N,planes,H/stride,W/stride]
  at::Tensor forward(const at::Tensor& x) override;

  ConvolutionUnit first, second;
  Shortcut downsample;
};

// 1×1, 3×3 and 1×1 convolutions and a shortcut. The stride is in the 3×3 convolution ("v1.5"), not
// in the first one as in the paper.
struct Bottleneck : Layer {
  Bottleneck(
      int64_t in,
      int64_t planes,
      int64_t stride,
      const ResNetOptions& options,
      const NormOptions& norm);

  // [N,in,H,W] -> [N,4·planes,H/stride,W/stride]
  at::Tensor forward(const at::Tensor& x) override;

  ConvolutionUnit first, second, third;
  Shortcut downsample;
};

// Children conv1, bn1, layer1, ... up to the last returned layer.
struct ResNet : Body {
  ResNet(
      const ResNetOptions& options,
      const NormOptions& norm,
      const std::vector<int64_t>& returned_layers,
      int64_t trainable_layers);

  std::vector<at::Tensor> forward(const at::Tensor& images) override;

  ConvolutionUnit stem;
  std::vector<std::shared_ptr<Sequential>> layers;
  std::vector<bool> returned;  // per layer

 private:
  void freeze(int64_t trainable_layers);
};

}  // namespace maskrcnn
