#include "binding/exports/ops.h"

#include <algorithm>
#include <string>
#include <vector>

#include "aten.h"
#include "binding/conversion/arguments.h"
#include "binding/conversion/op_arguments.h"
#include "binding/worker/checked.h"
#include "boxes/matcher.h"
#include "ops/batch_norm.h"
#include "ops/differentiable.h"
#include "ops/linear.h"
#include "ops/mask_logits.h"
#include "ops/mask_targets.h"
#include "ops/nms.h"
#include "ops/panel_product.h"
#include "ops/paste.h"
#include "ops/roi_align.h"
#include "ops/winograd.h"

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

Napi::Value winograd_convolution(const Napi::CallbackInfo& info) {
  const auto shape = read_shape(info[1]);
  const auto outputs = read_size(info[3], "outputs");
  const auto options =
      info[5].IsObject() ? info[5].As<Napi::Object>() : Napi::Object::New(info.Env());
  const auto type = options.Get("bfloat16").ToBoolean() ? at::kBFloat16 : at::kFloat;
  const auto result = ops::winograd_convolution(
      read_tensor(info[0], "input", shape).to(type),
      read_tensor(info[2], "weight", {outputs, shape[1], 3, 3}),
      read_tensor(info[4], "bias", {outputs}),
      options.Get("relu").ToBoolean());
  return to_float_array(info.Env(), result.to(at::kFloat).contiguous());
}

Napi::Value winograd_weight_gradient(const Napi::CallbackInfo& info) {
  const auto shape = read_shape(info[1]);
  const auto outputs = read_size(info[3], "outputs");
  const auto grad = read_tensor(info[2], "gradOutput", {shape[0], outputs, shape[2], shape[3]});
  return to_float_array(
      info.Env(), ops::winograd_weight_gradient(read_tensor(info[0], "input", shape), grad));
}

// Channels-last, as the network's maps are.
at::Tensor read_map(const Napi::Value& value, const std::string& name, at::IntArrayRef shape) {
  return read_tensor(value, name, shape.vec()).contiguous(at::MemoryFormat::ChannelsLast);
}

// By libtorch's autograd, as in training.
Napi::Value batch_norm(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto shape = read_shape(info[1]);
  const auto type = info[6].ToBoolean() ? at::kBFloat16 : at::kFloat;
  const auto x = read_map(info[0], "x", shape).to(type).requires_grad_();
  const auto weight = read_tensor(info[2], "weight", {shape[1]}).requires_grad_();
  const auto bias = read_tensor(info[3], "bias", {shape[1]}).requires_grad_();
  const auto eps = read_number(info[4], "eps");
  const auto grad = read_map(info[5], "gradOutput", shape).to(type);
  if (!ops::suits_batch_norm(x)) {
    throw Napi::RangeError::New(env, "x must have more than one number per channel");
  }
  const auto running_mean = at::zeros({shape[1]}), running_var = at::ones({shape[1]});
  const auto result =
      ops::batch_norm(x, weight, bias, running_mean, running_var, {/*momentum=*/1.0, eps});
  const auto gradients = ops::gradients(result, {x, weight, bias}, grad);
  auto object = Napi::Object::New(env);
  const auto set = [&](const char* name, const at::Tensor& tensor) {
    object.Set(name, to_float_array(env, tensor.detach().to(at::kFloat).contiguous()));
  };
  set("output", result);
  set("mean", running_mean);
  set("variance", running_var);
  set("gradX", gradients[0]);
  set("gradWeight", gradients[1]);
  set("gradBias", gradients[2]);
  return object;
}

// The arguments of `linear` and `linearGradients` that they share.
struct LinearArguments {
  int64_t rows, outputs;
  at::Tensor x, weight;  // [rows,inputs], [outputs,inputs]

  explicit LinearArguments(const Napi::CallbackInfo& info)
      : rows(read_size(info[1], "rows")), outputs(read_size(info[4], "outputs")) {
    const auto inputs = read_size(info[2], "inputs");
    x = read_tensor(info[0], "x", {rows, inputs});
    weight = read_tensor(info[3], "weight", {outputs, inputs});
  }
};

Napi::Value linear(const Napi::CallbackInfo& info) {
  const LinearArguments given(info);
  const auto bias = read_tensor(info[5], "bias", {given.outputs});
  return to_float_array(info.Env(), ops::linear(given.x, given.weight, bias));
}

Napi::Value linear_gradients(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const LinearArguments given(info);
  const auto grad = read_tensor(info[5], "gradOutput", {given.rows, given.outputs});
  const auto bias = at::zeros({given.outputs}).requires_grad_();
  const std::vector<at::Tensor> inputs{
      given.x.requires_grad_(), given.weight.requires_grad_(), bias};
  const auto result = ops::linear(inputs[0], inputs[1], bias);
  const auto gradients = ops::gradients(result, inputs, grad);
  auto object = Napi::Object::New(env);
  object.Set("x", to_float_array(env, gradients[0]));
  object.Set("weight", to_float_array(env, gradients[1]));
  object.Set("bias", to_float_array(env, gradients[2]));
  return object;
}

Napi::Value product_kernels(const Napi::CallbackInfo& info) {
  const auto& kernels = ops::product_kernels();
  auto names = Napi::Array::New(info.Env(), kernels.size());
  for (uint32_t i = 0; i < kernels.size(); ++i) names.Set(i, kernels[i].name);
  return names;
}

// By one kernel: left · panel, or leftᵀ · panel if asked, added to `result` if there is one.
Napi::Value multiply_panel(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto& kernels = ops::product_kernels();
  const auto kernel = read_integer(info[0], "kernel", 0, std::ssize(kernels) - 1);
  const auto rows = read_size(info[2], "rows"), depth = read_size(info[3], "depth");
  const auto options = info[5].IsObject() ? info[5].As<Napi::Object>() : Napi::Object::New(env);
  const bool transposed = options.Get("transposed").ToBoolean();
  const bool adds = !options.Get("result").IsUndefined();
  const auto left = read_tensor(info[1], "left", {rows, depth});
  const auto panel = read_tensor(info[4], "panel", {depth, ops::kPanel});
  auto result = adds ? read_tensor(options.Get("result"), "result", {rows, ops::kPanel}).clone()
                     : at::full({rows, ops::kPanel}, std::nan(""), at::kFloat);
  kernels[kernel].multiply(
      {.rows = rows,
       .depth = depth,
       .columns = ops::kPanel,
       .left = {left.const_data_ptr<float>(), transposed ? 1 : depth},
       .left_step = transposed ? rows : 1,
       .panel = panel.const_data_ptr<float>(),
       .result = {result.mutable_data_ptr<float>(), ops::kPanel},
       .add = adds,
       .next = panel.const_data_ptr<float>()});
  return to_float_array(env, result);
}

Napi::Value mask_logits(const Napi::CallbackInfo& info) {
  const auto shape = read_shape(info[1]);
  const auto channels = read_size(info[3], "channels");
  return to_float_array(
      info.Env(),
      ops::mask_logits(
          read_tensor(info[0], "x", shape),
          read_tensor(info[2], "weight", {shape[1], channels, 2, 2}),
          read_tensor(info[4], "bias", {channels}),
          read_tensor(info[5], "classWeight", {shape[0], channels}),
          read_tensor(info[6], "classBias", {shape[0]})));
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
  exports.Set(
      "winogradConvolution",
      Napi::Function::New(env, checked<winograd_convolution>, "winogradConvolution"));
  exports.Set(
      "winogradWeightGradient",
      Napi::Function::New(env, checked<winograd_weight_gradient>, "winogradWeightGradient"));
  exports.Set("batchNorm", Napi::Function::New(env, checked<batch_norm>, "batchNorm"));
  exports.Set(
      "productKernels", Napi::Function::New(env, checked<product_kernels>, "productKernels"));
  exports.Set("multiplyPanel", Napi::Function::New(env, checked<multiply_panel>, "multiplyPanel"));
  exports.Set("maskLogits", Napi::Function::New(env, checked<mask_logits>, "maskLogits"));
  exports.Set("linear", Napi::Function::New(env, checked<linear>, "linear"));
  exports.Set(
      "linearGradients", Napi::Function::New(env, checked<linear_gradients>, "linearGradients"));
  exports.Set("pasteMask", Napi::Function::New(env, checked<paste_mask>, "pasteMask"));
  exports.Set("maskTargets", Napi::Function::New(env, checked<mask_targets>, "maskTargets"));
  return exports;
}

}  // namespace maskrcnn::binding
