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

// Runs a function on a GPU as one captured graph (a CUDA graph). The program then launches one
// graph instead of hundreds of kernels.
//
// A graph is valid for one input shape and for unchanged weights. It is captured when a shape
// occurs for the second time. The graphs of the most recent shapes are kept until a weight changes.
class CapturedForward {
 public:
  using Forward = std::function<std::vector<at::Tensor>(const at::Tensor&)>;

  // Returns forward(input). `forward` may depend only on the input and the weights. The next call
  // overwrites the results. If the device has no graphs, or if a capture fails (which gives a
  // warning), `forward` is called directly.
  std::vector<at::Tensor> run(
      const at::Tensor& input, const std::vector<at::Tensor>& weights, const Forward& forward);

  // The number of captured graphs.
  int64_t count() const;

 private:
  struct Shape {
    std::vector<int64_t> sizes;
    std::shared_ptr<CapturedGraph> captured;  // null until the shape has occurred twice
    bool is_capturable = true;
  };
  std::shared_ptr<CapturedGraph> capture(const at::Tensor& input, const Forward& forward);

  std::list<Shape> shapes_;  // the most recent first
  TensorStates weights_;
  std::optional<c10::Stream> stream_;  // for captures: memory is reused only within one stream
};

}  // namespace maskrcnn
