#include "binding/exports/torchvision_ops.h"

#include "binding/conversion/arguments.h"
#include "binding/conversion/op_arguments.h"
#include "binding/worker/checked.h"
#include "ops/torchvision.h"

namespace maskrcnn::binding {
namespace {

Napi::Value torchvision_nms(const Napi::CallbackInfo& info) {
  const ScoredBoxes given(info);
  const auto iou_threshold = read_number(info[2], "iouThreshold");
  return to_index_array(
      info.Env(), ops::torchvision::nms(given.boxes, given.scores, iou_threshold));
}

Napi::Value torchvision_roi_align(const Napi::CallbackInfo& info) {
  const RoiAlignArguments arguments(info);
  const auto input = read_floats(info[0], "input");
  check_length(info.Env(), input.length, arguments.input_length, "input");
  return to_float_array(
      info.Env(),
      ops::torchvision::roi_align(
          to_tensor(input, arguments.input_shape),
          arguments.rois,
          arguments.spatial_scale,
          arguments.output_size,
          arguments.sampling_ratio));
}

Napi::Value torchvision_roi_align_backward(const Napi::CallbackInfo& info) {
  const RoiAlignArguments arguments(info);
  const auto grad = read_floats(info[0], "gradOutput");
  check_length(info.Env(), grad.length, arguments.output_length, "gradOutput");
  const auto side = arguments.output_size;
  const auto rois = arguments.rois.size(0), channels = arguments.input_shape[1];
  return to_float_array(
      info.Env(),
      ops::torchvision::roi_align_backward(
          to_tensor(grad, {rois, channels, side, side}),
          arguments.rois,
          arguments.input_shape,
          arguments.spatial_scale,
          side,
          arguments.sampling_ratio));
}

}  // namespace

Napi::Object make_torchvision_ops(Napi::Env env) {
  auto exports = Napi::Object::New(env);
  exports.Set("nms", Napi::Function::New(env, checked<torchvision_nms>, "nms"));
  exports.Set("roiAlign", Napi::Function::New(env, checked<torchvision_roi_align>, "roiAlign"));
  exports.Set(
      "roiAlignBackward",
      Napi::Function::New(env, checked<torchvision_roi_align_backward>, "roiAlignBackward"));
  return exports;
}

}  // namespace maskrcnn::binding
