#pragma once

#include <c10/core/Stream.h>

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "aten.h"
#include "device/tensor_states.h"

namespace maskrcnn {

struct CapturedGraph;

// Has a GPU run a function as one captured graph (of CUDA's), so that the program gives it one
// thing to do instead of hundreds.
//
// A graph is of one shape, and of weights as they are. It is captured when a shape comes for the
// second time, and those of the shapes that came last are kept until a weight changes.
class CapturedForward {
 public:
  using Forward = std::function<std::vector<at::Tensor>(const at::Tensor&)>;

  // forward(input), which reads the weights and nothing else that may change. The results are
  // overwritten by the next call. Where there are no graphs, or one cannot be captured, which is
  // warned of, the function itself is called.
  std::vector<at::Tensor> run(
      const at::Tensor& input, const std::vector<at::Tensor>& weights, const Forward& forward);

  // How many graphs there are.
  int64_t count() const;

 private:
  struct Shape {
    std::vector<int64_t> sizes;
    std::shared_ptr<CapturedGraph> captured;  // none until it has come twice
    bool is_capturable = true;
  };
  std::shared_ptr<CapturedGraph> capture(const at::Tensor& input, const Forward& forward);

  std::list<Shape> shapes_;  // the last one first
  TensorStates weights_;
  std::optional<c10::Stream> stream_;  // for captures: memory is reused within a stream alone
};

}  // namespace maskrcnn
