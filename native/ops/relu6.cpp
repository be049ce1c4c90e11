#include "ops/relu6.h"

#include "aten.h"
#include "ops/differentiable.h"

namespace maskrcnn::ops {

at::Tensor relu6(const at::Tensor& x) {
  const auto y = at::empty_like(x);
  const auto forward = [&] {
    auto out = y;
    return at::hardtanh_out(out, x, 0, 6);
  };
  return differentiable({x}, /*saved=*/{y}, forward, [](const Backward& pass) {
    return std::vector<at::Tensor>{at::hardtanh_backward(pass.grad, pass.saved[0], 0, 6)};
  });
}

}  // namespace maskrcnn::ops
