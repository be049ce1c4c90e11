#pragma once

#include <utility>
#include <vector>

#include "model/norm.h"
#include "model/weight_cache.h"
#include "ops/prepacked.h"
#include "torch.h"

namespace maskrcnn {

enum class Activation { None, ReLU, ReLU6, Hardswish };

struct ConvolutionWeights {
  at::Tensor weight, bias;  // [K,C,R,S], [K] or undefined
};

// A convolution and what follows it: norm, sum with a shortcut, activation. The modules belong to
// whoever registers them; this computes with them, in as few passes as the case allows.
class ConvolutionUnit {
 public:
  ConvolutionUnit() = default;
  // norm: empty where there is none.
  ConvolutionUnit(torch::nn::Conv2d conv, torch::nn::AnyModule norm, Activation activation)
      : conv_(std::move(conv)), norm_(std::move(norm)), activation_(activation) {}

  explicit operator bool() const { return !conv_.is_empty(); }

  // activation(norm(conv(x)) + addend)
  at::Tensor forward(const at::Tensor& x, const at::Tensor& addend = {});

 private:
  // Of one convolution that does what this one and then the affine map of each channel do.
  ConvolutionWeights fold(const ChannelAffine& affine) const;
  // Likewise, with the norm as it is in detection.
  ConvolutionWeights fixed_weights() const;
  // What they are made of.
  std::vector<at::Tensor> sources() const;
  const ConvolutionWeights& cached_weights(at::ScalarType type);
  at::Tensor forward_prepacked(const at::Tensor& input, const at::Tensor& addend);

  torch::nn::Conv2d conv_{nullptr};
  torch::nn::AnyModule norm_;
  Activation activation_ = Activation::None;
  WeightCache<ops::PrepackedConvolution> prepacked_;  // on the CPU
  WeightCache<ConvolutionWeights> cached_;            // on a GPU
};

}  // namespace maskrcnn
