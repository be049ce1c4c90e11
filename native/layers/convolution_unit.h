#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "convolution/prepacked.h"
#include "layers/layers.h"
#include "layers/norm_layer.h"
#include "layers/weight_cache.h"

namespace maskrcnn {

enum class Activation { None, ReLU, ReLU6, Hardswish };

struct ConvolutionWeights {
  at::Tensor weight, bias;  // [K,C,R,S], [K] or undefined
};

// A convolution and what follows it: norm, sum with a shortcut, activation. The layers are parts of
// whatever adds them; this computes with them, in as few passes as the case allows.
class ConvolutionUnit {
 public:
  ConvolutionUnit() = default;
  // norm: null where there is none.
  ConvolutionUnit(
      std::shared_ptr<Conv2d> conv, std::shared_ptr<NormLayer> norm, Activation activation)
      : conv_(std::move(conv)), norm_(std::move(norm)), activation_(activation) {}

  explicit operator bool() const { return conv_ != nullptr; }

  std::vector<at::Tensor> parameters() const;  // of both layers

  // activation(norm(conv(x)) + addend)
  at::Tensor forward(const at::Tensor& x, const at::Tensor& addend = {});

 private:
  // Of one convolution that does what this one and then the norm do, while the norm is fixed.
  ConvolutionWeights fixed_weights() const;
  // What they are made of.
  std::vector<at::Tensor> sources() const;
  const ConvolutionWeights& cached_weights(at::ScalarType type);
  at::Tensor forward_prepacked(const at::Tensor& input, const at::Tensor& addend);

  std::shared_ptr<Conv2d> conv_;
  std::shared_ptr<NormLayer> norm_;
  Activation activation_ = Activation::None;
  WeightCache<ops::PrepackedConvolution> prepacked_;  // on the CPU
  WeightCache<ConvolutionWeights> cached_;            // on a GPU
};

}  // namespace maskrcnn
