#include "binding/exports/ops.h"

#include <algorithm>
#include <string>
#include <vector>

#include "aten.h"
#include "binding/conversion/arguments.h"
#include "binding/conversion/op_arguments.h"
#include "binding/exports/layer_ops.h"
#include "binding/worker/checked.h"
#include "boxes/matcher.h"
#include "masks/mask_targets.h"
#include "masks/paste.h"
#include "ops/differentiable.h"
#include "ops/nms.h"
#include "ops/roi_align.h"

// Letters: N images, C channels, H W rows and columns, R rois, D boxes, G objects.

namespace maskrcnn::binding {
namespace {

Napi::Value nms(const Napi::CallbackInfo& info) {
  const ScoredBoxes given(info);
  const auto iou_threshold = read_number(info[2], "iouThreshold");
  return to_index_array(info.Env(), ops::nms(given.boxes, given.scores, iou_threshold));
}

Napi::Value batched_nms(const Napi::CallbackInfo& info) {
  const ScoredBoxes given(info);
  const auto groups = read_integers(info[2], "groups");
  check_length(info.Env(), groups.length, given.scores.size(0), "groups");
  const auto idxs = to_tensor(groups, {groups.length}).to(at::kLong);
  const auto iou_threshold = read_number(info[3], "iouThreshold");
  return to_index_array(
      info.Env(), ops::batched_nms(given.boxes, given.scores, idxs, iou_threshold));
}

at::Tensor read_boxes(const Napi::Value& value, const std::string& name) {
  const auto values = read_finite_floats(value, name);
  return to_tensor(values, {count_rows(value.Env(), values.length, 4, name), 4});
}

Napi::Value match_boxes(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto instances = read_boxes(info[0], "instances"), boxes = read_boxes(info[1], "boxes");
  if (instances.size(0) == 0) throw Napi::RangeError::New(env, "There must be an instance.");
  const auto options = read_object(info[2], "options");
  const Matcher matcher(
      {read_number(options.Get("highThreshold"), "highThreshold"),
       read_number(options.Get("lowThreshold"), "lowThreshold"),
       options.Get("allowLowQuality").ToBoolean()});
  const auto most_pairs = options.Get("pairsAtOnce");
  return to_index_array(
      env,
      most_pairs.IsUndefined()
          ? matcher.match(instances, boxes)
          : matcher.match_by_operators(
                instances, boxes, read_integer(most_pairs, "pairsAtOnce", 1, kMaxElements)));
}

at::Tensor align(const at::Tensor& input, const RoiAlignArguments& arguments) {
  const auto level_of = at::zeros({arguments.rois.size(0)}, at::kLong);
  const auto rounded = input.to(arguments.bfloat16 ? at::kBFloat16 : at::kFloat);
  const ops::RoiAlignOptions options{
      {arguments.spatial_scale},
      arguments.output_size,
      arguments.sampling_ratio,
      arguments.flattened ? at::MemoryFormat::Contiguous : at::MemoryFormat::ChannelsLast};
  return ops::roi_align({rounded}, arguments.rois, level_of, options).to(at::kFloat);
}

Napi::Value roi_align(const Napi::CallbackInfo& info) {
  const RoiAlignArguments arguments(info);
  const auto input = read_floats(info[0], "input");
  check_length(info.Env(), input.length, arguments.input_length, "input");
  return to_float_array(info.Env(), align(to_tensor(input, arguments.input_shape), arguments));
}

// By libtorch's autograd, as in training.
Napi::Value roi_align_backward(const Napi::CallbackInfo& info) {
  const RoiAlignArguments arguments(info);
  const auto grad = read_floats(info[0], "gradOutput");
  check_length(info.Env(), grad.length, arguments.output_length, "gradOutput");
  const auto input = at::zeros(arguments.input_shape).requires_grad_();
  const auto output = align(input, arguments);
  const auto grads = ops::gradients(output, {input}, to_tensor(grad, output.sizes()));
  return to_float_array(info.Env(), grads[0]);
}

Napi::Value paste_mask(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto mask = read_floats(info[0], "mask");
  const auto side = read_integer(info[1], "side", 1, kMaxSide);
  check_length(env, mask.length, side * side, "mask");
  const auto box = read_finite_floats(info[2], "box");
  check_length(env, box.length, 4, "box");
  const auto width = read_size(info[3], "width"), height = read_size(info[4], "height");
  const auto length = checked_product(env, {width, height}, "The image");
  const auto pasted =
      ops::paste_masks(to_tensor(mask, {1, side, side}), to_tensor(box, {1, 4}), height, width)[0];
  auto image = Napi::Float32Array::New(env, static_cast<size_t>(length));
  for (int64_t y = 0; y < pasted.height; ++y) {
    std::copy_n(
        pasted.values.data() + y * pasted.width,
        pasted.width,
        image.Data() + (pasted.top + y) * width + pasted.left);
  }
  return image;
}

// The masks of a NativeTarget of an image of width x height.
ops::CroppedMasks read_masks(const Napi::Object& target, int64_t width, int64_t height) {
  const auto env = target.Env();
  const auto rects = read_integers(target.Get("maskRects"), "maskRects");
  const auto count = count_rows(env, rects.length, 4, "maskRects");
  const auto data = read_bytes(target.Get("maskData"), "maskData");
  int64_t pixels = 0;
  for (int64_t g = 0; g < count; ++g) {
    const int64_t left = rects.data[4 * g], top = rects.data[4 * g + 1];
    const int64_t columns = rects.data[4 * g + 2], rows = rects.data[4 * g + 3];
    const bool inside = left >= 0 && top >= 0 && columns >= 0 && rows >= 0 &&
                        left + columns <= width && top + rows <= height;
    if (!inside) {
      throw Napi::RangeError::New(
          env,
          "Rectangle " + std::to_string(g) + " of maskRects must lie inside the image of " +
              std::to_string(width) + " x " + std::to_string(height) + " pixels.");
    }
    pixels += columns * rows;
  }
  check_length(env, data.length, pixels, "maskData");
  return {to_tensor(rects, {count, 4}), to_tensor(data, {data.length})};
}

Napi::Value mask_targets(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto target = read_object(info[0], "target");
  const auto image = read_object(info[1], "image");
  const auto width = read_size(image.Get("width"), "width");
  const auto height = read_size(image.Get("height"), "height");
  const auto resized_width = read_size(image.Get("resizedWidth"), "resizedWidth");
  const auto resized_height = read_size(image.Get("resizedHeight"), "resizedHeight");
  checked_product(env, {width, height}, "The image");
  checked_product(env, {resized_width, resized_height}, "The resized image");
  const auto masks = read_masks(target, width, height);
  const auto rois = read_finite_floats(info[2], "rois");
  const auto count = count_rows(env, rois.length, 4, "rois");
  const auto matched = read_integers(info[3], "matched");
  check_length(env, matched.length, count, "matched");
  const auto objects = masks.rects.size(0);
  for (int64_t r = 0; r < count; ++r) {
    if (matched.data[r] < 0 || matched.data[r] >= objects) {
      refuse_value(
          env,
          "matched[" + std::to_string(r) + "]",
          "below the number of instances, " + std::to_string(objects),
          matched.data[r]);
    }
  }
  const auto side = read_integer(info[4], "side", 1, kMaxSide);
  checked_product(env, {count, side, side}, "The result");
  return to_float_array(
      env,
      ops::mask_targets(
          masks,
          height,
          width,
          resized_height,
          resized_width,
          to_tensor(rois, {count, 4}),
          to_tensor(matched, {count}).to(at::kLong),
          side));
}

}  // namespace

Napi::Object make_ops(Napi::Env env) {
  auto exports = Napi::Object::New(env);
  exports.Set("nms", Napi::Function::New(env, checked<nms>, "nms"));
  exports.Set("batchedNms", Napi::Function::New(env, checked<batched_nms>, "batchedNms"));
  exports.Set("matchBoxes", Napi::Function::New(env, checked<match_boxes>, "matchBoxes"));
  exports.Set("roiAlign", Napi::Function::New(env, checked<roi_align>, "roiAlign"));
  exports.Set(
      "roiAlignBackward",
      Napi::Function::New(env, checked<roi_align_backward>, "roiAlignBackward"));
  add_layer_ops(exports);
  exports.Set("pasteMask", Napi::Function::New(env, checked<paste_mask>, "pasteMask"));
  exports.Set("maskTargets", Napi::Function::New(env, checked<mask_targets>, "maskTargets"));
  return exports;
}

}  // namespace maskrcnn::binding
