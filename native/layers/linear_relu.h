#pragma once

#include <functional>
#include <vector>

#include "convolution/prepacked.h"
#include "layers/layers.h"
#include "layers/weight_cache.h"

namespace maskrcnn {

struct LinearWeights {
  at::Tensor weight, bias;  // [K,C], [K]
};

// A linear layer and ReLU, in one pass over the result where possible.
class LinearReLU {
 public:
  at::Tensor forward(const at::Tensor& x /*[R,C]*/, const Linear& linear);

  // The same with weights that are computed from `sources`. They are computed again only when a
  // source has changed.
  at::Tensor forward(
      const at::Tensor& x,
      const std::vector<at::Tensor>& sources,
      const std::function<LinearWeights()>& make);

 private:
  WeightCache<ops::PrepackedLinear> prepacked_;  // on the CPU
  WeightCache<LinearWeights> cached_;            // on a GPU
};

}  // namespace maskrcnn
