#include "ops/torchvision.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <utility>

#include "aten.h"

namespace maskrcnn::ops::torchvision {
namespace {

// Boxed calls, because the C++ signatures differ between torchvision's releases: int64_t, SymInt,
// or none at all where the operators are registered over the stable ABI. The schemas are the same.
// Calls below autograd, because only some releases register a derivative here. Ours is in
// roi_align.cpp.
template <typename... Arguments>
at::Tensor call(const char* name, Arguments&&... arguments) {
  const auto schema = c10::Dispatcher::singleton().findSchemaOrThrow(name, /*overload_name=*/"");
  torch::jit::Stack stack{c10::IValue(std::forward<Arguments>(arguments))...};
  at::AutoDispatchBelowADInplaceOrView below_autograd;
  schema.callBoxed(&stack);
  return std::move(stack.front()).toTensor();
}

}  // namespace

bool are_loaded() {
  return c10::Dispatcher::singleton().findSchema({"torchvision::nms", ""}).has_value();
}

at::Tensor nms(const at::Tensor& boxes, const at::Tensor& scores, double iou_threshold) {
  return call("torchvision::nms", boxes, scores, iou_threshold);
}

at::Tensor roi_align(
    const at::Tensor& input,
    const at::Tensor& rois,
    double spatial_scale,
    int64_t output_size,
    int64_t sampling_ratio) {
  return call(
      "torchvision::roi_align",
      input,
      rois,
      spatial_scale,
      output_size,
      output_size,
      sampling_ratio,
      /*aligned=*/false);
}

at::Tensor roi_align_backward(
    const at::Tensor& grad_output,
    const at::Tensor& rois,
    at::IntArrayRef input_sizes,
    double spatial_scale,
    int64_t output_size,
    int64_t sampling_ratio) {
  return call(
      "torchvision::_roi_align_backward",
      grad_output,
      rois,
      spatial_scale,
      output_size,
      output_size,
      input_sizes[0],
      input_sizes[1],
      input_sizes[2],
      input_sizes[3],
      sampling_ratio,
      /*aligned=*/false);
}

}  // namespace maskrcnn::ops::torchvision
