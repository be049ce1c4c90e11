#pragma once

#include <functional>
#include <vector>

#include "model/weight_cache.h"
#include "ops/prepacked.h"
#include "torch.h"

namespace maskrcnn {

struct LinearWeights {
  at::Tensor weight, bias;  // [K,C], [K]
};

// A linear map and ReLU, in one pass over the result where that is possible.
class LinearReLU {
 public:
  at::Tensor forward(const at::Tensor& x /*[R,C]*/, const torch::nn::Linear& linear);

  // The same with weights that are made of others, which is done anew only where these have
  // changed.
  at::Tensor forward(
      const at::Tensor& x,
      const std::vector<at::Tensor>& sources,
      const std::function<LinearWeights()>& make);

 private:
  WeightCache<ops::PrepackedLinear> prepacked_;  // on the CPU
  WeightCache<LinearWeights> cached_;            // on a GPU
};

}  // namespace maskrcnn
