#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "model/body.h"
#include "model/convolution_unit.h"
#include "model/norm.h"
#include "torch.h"

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
  // Registers the convolution and the norm as children "0" and "1" of the parent's "downsample".
  Shortcut(
      torch::nn::Module& parent, int64_t in, int64_t out, int64_t stride, const NormOptions& norm);

  at::Tensor forward(const at::Tensor& x);  // [N,in,H,W] -> [N,out,H/stride,W/stride]

  ConvolutionUnit projection;  // empty for the identity
};

// Two 3×3 convolutions and a shortcut.
struct BasicBlockImpl : torch::nn::Module {
  BasicBlockImpl(int64_t in, int64_t planes, int64_t stride, const NormOptions& norm);

  at::Tensor forward(const at::Tensor& x);  // [N,in,H,W] -> [N,planes,H/stride,W/stride]

  ConvolutionUnit first, second;
  Shortcut downsample;
};
TORCH_MODULE(BasicBlock);

// 1×1, 3×3 and 1×1 convolutions and a shortcut. The stride is in the 3×3 convolution ("v1.5"), not
// in the first one as in the paper.
struct BottleneckImpl : torch::nn::Module {
  BottleneckImpl(
      int64_t in,
      int64_t planes,
      int64_t stride,
      const ResNetOptions& options,
      const NormOptions& norm);

  at::Tensor forward(const at::Tensor& x);  // [N,in,H,W] -> [N,4·planes,H/stride,W/stride]

  ConvolutionUnit first, second, third;
  Shortcut downsample;
};
TORCH_MODULE(Bottleneck);

// Children conv1, bn1, layer1, ... up to the last returned layer.
struct ResNetImpl : BodyImpl {
  ResNetImpl(
      const ResNetOptions& options,
      const NormOptions& norm,
      const std::vector<int64_t>& returned_layers,
      int64_t trainable_layers);

  std::vector<at::Tensor> forward(const at::Tensor& images) override;

  ConvolutionUnit stem;
  std::vector<torch::nn::Sequential> layers;
  std::vector<bool> returned;  // per layer

 private:
  void freeze(int64_t trainable_layers);
};

}  // namespace maskrcnn
