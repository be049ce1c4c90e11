#include "binding/exports/layer_ops.h"

#include <array>
#include <cmath>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "aten.h"
#include "binding/conversion/arguments.h"
#include "binding/conversion/op_arguments.h"
#include "binding/worker/checked.h"
#include "convolution/amx_weight_gradient.h"
#include "convolution/convolution.h"
#include "convolution/winograd.h"
#include "device/precision.h"
#include "kernels/panel_product.h"
#include "kernels/processor.h"
#include "ops/batch_norm.h"
#include "ops/differentiable.h"
#include "ops/linear.h"
#include "ops/mask_logits.h"

// Letters: N images, C channels, H W rows and columns, R rois.

namespace maskrcnn::binding {
namespace {

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

Napi::Value amx_weight_gradient(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto shape = read_shape(info[1]);
  const auto outputs = read_size(info[3], "outputs");
  const auto side = read_integer(info[4], "side", 1, 3);
  if (!ops::has_amx()) throw Napi::Error::New(env, "This processor has no AMX.");
  if (side == 2 || shape[1] % 32 != 0 || outputs % 32 != 0) {
    throw Napi::RangeError::New(env, "The side must be 1 or 3, and channels multiples of 32.");
  }
  const auto x = read_tensor(info[0], "input", shape).to(at::kBFloat16);
  const auto grad = read_tensor(info[2], "gradOutput", {shape[0], outputs, shape[2], shape[3]});
  return to_float_array(
      env, ops::amx_weight_gradient(x, grad.to(at::kBFloat16), side).contiguous());
}

// By libtorch's autograd, as in training.
Napi::Value convolution_gradients(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto shape = read_shape(info[1]);
  const auto options = read_object(info[3], "options");
  const auto pair = [&](const char* name, int64_t least) {
    const auto given = read_integers(options.Get(name), name);
    check_length(env, given.length, 2, name);
    std::array<int64_t, 2> values = {given.data[0], given.data[1]};
    for (const auto value : values) {
      if (value < least || value > kMaxSide) {
        refuse_value(env, name, std::to_string(least) + " to " + std::to_string(kMaxSide), value);
      }
    }
    return values;
  };
  const auto kernel = pair("kernel", 1), stride = pair("stride", 1), padding = pair("padding", 0);
  const auto outputs = read_size(options.Get("outputs"), "outputs");
  const auto groups = read_size(options.Get("groups"), "groups");
  if (shape[1] % groups != 0 || outputs % groups != 0) {
    throw Napi::RangeError::New(env, "The channels must be multiples of the groups.");
  }
  std::vector<int64_t> size = {shape[0], outputs, 0, 0};
  for (size_t i = 0; i < 2; ++i) {
    const auto reach = shape[i + 2] + 2 * padding[i] - kernel[i];
    if (reach < 0) throw Napi::RangeError::New(env, "The kernel must fit into the padded input.");
    size[i + 2] = reach / stride[i] + 1;
  }
  const auto x = read_map(info[0], "x", shape).requires_grad_();
  const auto weight =
      read_tensor(info[2], "weight", {outputs, shape[1] / groups, kernel[0], kernel[1]})
          .requires_grad_();
  const auto grad = read_map(info[4], "gradOutput", size);
  const bool is_bfloat16 = options.Get("bfloat16").ToBoolean();
  std::vector<at::Tensor> inputs = {x, weight};
  std::optional<at::Tensor> bias;
  ops::LayerEnd end{/*addend=*/{}, options.Get("relu").ToBoolean()};
  if (!options.Get("bias").IsUndefined()) {
    bias = read_tensor(options.Get("bias"), "bias", {outputs}).requires_grad_();
    inputs.push_back(*bias);
  }
  if (!options.Get("addend").IsUndefined()) {
    end.addend = read_map(options.Get("addend"), "addend", size).requires_grad_();
    inputs.push_back(end.addend);
  }
  const auto result = [&] {
    const AutocastScope precision(is_bfloat16 ? Precision::BFloat16 : Precision::Float32, at::kCPU);
    return ops::convolve(x, weight, bias, {stride, padding, /*dilation=*/{1, 1}, groups}, end);
  }();
  const auto gradients = ops::gradients(result, inputs, grad.to(result.scalar_type()));
  auto object = Napi::Object::New(env);
  const auto set = [&](const char* name, const at::Tensor& tensor) {
    object.Set(name, to_float_array(env, tensor.detach().to(at::kFloat).contiguous()));
  };
  set("output", result);
  set("x", gradients[0]);
  set("weight", gradients[1]);
  if (bias) set("bias", gradients[2]);
  if (end.addend.defined()) set("addend", gradients.back());
  return object;
}

// Likewise.
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
  std::vector<at::Tensor> inputs = {x, weight, bias};
  ops::LayerEnd end;
  if (info[7].IsObject()) {
    const auto given = info[7].As<Napi::Object>();
    end.relu = given.Get("relu").ToBoolean();
    if (!given.Get("addend").IsUndefined()) {
      end.addend = read_map(given.Get("addend"), "addend", shape).to(type).requires_grad_();
      inputs.push_back(end.addend);
    }
  }
  const auto result =
      ops::batch_norm(x, weight, bias, running_mean, running_var, {/*momentum=*/1.0, eps}, end);
  const auto gradients = ops::gradients(result, inputs, grad);
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
  if (inputs.size() > 3) set("gradAddend", gradients[3]);
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

}  // namespace

void add_layer_ops(Napi::Object exports) {
  const auto env = exports.Env();
  exports.Set(
      "winogradConvolution",
      Napi::Function::New(env, checked<winograd_convolution>, "winogradConvolution"));
  exports.Set(
      "winogradWeightGradient",
      Napi::Function::New(env, checked<winograd_weight_gradient>, "winogradWeightGradient"));
  exports.Set(
      "amxWeightGradient",
      Napi::Function::New(env, checked<amx_weight_gradient>, "amxWeightGradient"));
  exports.Set(
      "convolutionGradients",
      Napi::Function::New(env, checked<convolution_gradients>, "convolutionGradients"));
  exports.Set("batchNorm", Napi::Function::New(env, checked<batch_norm>, "batchNorm"));
  exports.Set(
      "productKernels", Napi::Function::New(env, checked<product_kernels>, "productKernels"));
  exports.Set("multiplyPanel", Napi::Function::New(env, checked<multiply_panel>, "multiplyPanel"));
  exports.Set("maskLogits", Napi::Function::New(env, checked<mask_logits>, "maskLogits"));
  exports.Set("linear", Napi::Function::New(env, checked<linear>, "linear"));
  exports.Set(
      "linearGradients", Napi::Function::New(env, checked<linear_gradients>, "linearGradients"));
}

}  // namespace maskrcnn::binding
