#include "layers/norm_layer.h"

#include "layers/batch_norm.h"
#include "layers/frozen_batch_norm.h"

namespace maskrcnn {

std::shared_ptr<NormLayer> make_norm(const NormOptions& options, int64_t channels) {
  switch (options.type) {
    case Norm::None:
      return nullptr;
    case Norm::Batch:
      return std::make_shared<BatchNorm2d>(channels, options.eps, options.momentum);
    case Norm::Frozen:
      return std::make_shared<FrozenBatchNorm2d>(channels, options.eps);
  }
  TORCH_CHECK(false, "unknown norm");
}

}  // namespace maskrcnn
