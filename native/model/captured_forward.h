#pragma once

#include <functional>
#include <list>
#include <memory>
#include <vector>

#include "torch.h"

namespace maskrcnn {

struct CapturedGraph;

// Has a GPU run a function as one captured graph (of CUDA's), so that the program gives it one
// thing to do instead of hundreds.
//
// A graph is of one shape and of tensors at fixed addresses. It is captured when a shape comes for
// the second time, and those of the shapes that came last are kept. What else the function reads
// must stay where it is; it may change there, as weights do that are trained.
class CapturedForward {
 public:
  using Forward = std::function<std::vector<at::Tensor>(const at::Tensor&)>;

  // forward(input). The results are overwritten by the next call.
  std::vector<at::Tensor> run(const at::Tensor& input, const Forward& forward);

 private:
  struct Shape {
    std::vector<int64_t> sizes;
    std::shared_ptr<CapturedGraph> graph;  // none until it has come twice
  };
  std::list<Shape> shapes_;  // the last one first
};

}  // namespace maskrcnn
