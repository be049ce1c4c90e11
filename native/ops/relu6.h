#pragma once

#include <ATen/core/Tensor.h>

namespace maskrcnn::ops {

// Same as at::hardtanh(x, 0, 6), and differentiable. Its backward pass reads the result instead of
// x: the next layer keeps the result in any case, so that x can be freed.
at::Tensor relu6(const at::Tensor& x);

}  // namespace maskrcnn::ops
