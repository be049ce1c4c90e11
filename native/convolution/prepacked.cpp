#include "convolution/prepacked.h"

#include <ATen/core/dispatch/Dispatcher.h>

#include <optional>
#include <string_view>

#include "aten.h"
#include "kernels/processor.h"
#include "ops/recorded_products.h"

// libtorch has these operators for the graphs that its compiler produces. They have no C++
// functions, so they are called through the dispatcher.

namespace maskrcnn::ops {
namespace {

using OptionalScalars = c10::List<std::optional<at::Scalar>>;

using Reorder = at::Tensor(
    const at::Tensor& weight,
    at::IntArrayRef padding,
    at::IntArrayRef stride,
    at::IntArrayRef dilation,
    int64_t groups,
    at::OptionalIntArrayRef input_size);

using Convolve = at::Tensor(
    const at::Tensor& x,
    const at::Tensor& weight,
    const std::optional<at::Tensor>& bias,
    at::IntArrayRef padding,
    at::IntArrayRef stride,
    at::IntArrayRef dilation,
    int64_t groups,
    std::string_view epilogue,
    OptionalScalars arguments,
    std::optional<std::string_view> algorithm);

using ConvolveAndAdd = at::Tensor(
    const at::Tensor& x,
    const at::Tensor& addend,
    const at::Tensor& weight,
    const std::optional<at::Tensor>& bias,
    at::IntArrayRef padding,
    at::IntArrayRef stride,
    at::IntArrayRef dilation,
    int64_t groups,
    std::string_view operation,
    std::optional<at::Scalar> factor,
    std::optional<std::string_view> epilogue,
    OptionalScalars arguments,
    std::optional<std::string_view> algorithm);

using ReorderLinear = at::Tensor(const at::Tensor& weight, std::optional<int64_t> rows);

using Linear = at::Tensor(
    const at::Tensor& x,
    const at::Tensor& weight,
    const std::optional<at::Tensor>& bias,
    std::string_view epilogue,
    OptionalScalars arguments,
    std::optional<std::string_view> algorithm);

constexpr const char* kReorder = "mkldnn::_reorder_convolution_weight";
constexpr const char* kConvolve = "mkldnn::_convolution_pointwise";
constexpr const char* kReorderLinear = "mkldnn::_reorder_linear_weight";
constexpr const char* kLinear = "mkldnn::_linear_pointwise";

bool exists(const char* name, const char* overload = "") {
  return c10::Dispatcher::singleton().findSchema({name, overload}).has_value();
}

template <typename Signature>
c10::TypedOperatorHandle<Signature> find(const char* name, const char* overload = "") {
  return c10::Dispatcher::singleton().findSchemaOrThrow(name, overload).typed<Signature>();
}

OptionalScalars scalars(const std::vector<double>& values) {
  OptionalScalars list;
  for (const auto value : values) list.push_back(at::Scalar(value));
  return list;
}

bool is_relu(const Epilogue& epilogue) {
  return epilogue.name == relu_epilogue().name;
}

}  // namespace

Epilogue relu_epilogue() {
  return {"leaky_relu", {1e-12}};
}

bool can_prepack(at::ScalarType type) {
  static const bool available = at::hasMKLDNN() && exists(kReorder) && exists(kConvolve) &&
                                exists(kConvolve, "binary") && exists(kReorderLinear) &&
                                exists(kLinear);
  const bool is_fast = type == at::kBFloat16 ? has_avx512() : type == at::kFloat && has_avx2();
  return available && is_fast && at::globalContext().userEnabledMkldnn();
}

at::Tensor convolve_to_end(
    const at::Tensor& x,
    const at::Tensor& weight,
    const at::Tensor& given_bias,
    const at::Tensor& addend,
    const ConvolutionGeometry& geometry,
    const Epilogue& epilogue,
    bool keeps_nan) {
  static const auto convolve = find<Convolve>(kConvolve);
  static const auto convolve_and_add = find<ConvolveAndAdd>(kConvolve, "binary");
  const auto bias = given_bias.defined() ? std::optional(given_bias) : std::nullopt;
  // After a sum, this operator has no epilogue but ReLU.
  TORCH_CHECK(!addend.defined() || epilogue.name == "none" || is_relu(epilogue));
  const bool ends_later = addend.defined() && is_relu(epilogue) && keeps_nan;
  const auto last =
      is_relu(epilogue) && !ends_later ? std::optional<std::string_view>("relu") : std::nullopt;
  const auto run = [&] {
    if (!addend.defined()) {
      return convolve.call(
          x,
          weight,
          bias,
          geometry.padding,
          geometry.stride,
          geometry.dilation,
          geometry.groups,
          epilogue.name,
          scalars(epilogue.arguments),
          "");
    }
    return convolve_and_add.call(
        x,
        addend,
        weight,
        bias,
        geometry.padding,
        geometry.stride,
        geometry.dilation,
        geometry.groups,
        "add",
        1.0,
        last,
        scalars({}),
        "");
  };
  auto result = run();
  if (ends_later) result.relu_();
  record_products(
      static_cast<double>(weight.numel() / weight.size(0)) * static_cast<double>(result.numel()));
  return result;
}

PrepackedConvolution::PrepackedConvolution(
    const at::Tensor& weight,
    const at::Tensor& bias,
    const ConvolutionGeometry& geometry,
    const at::Tensor& example,
    const Epilogue& epilogue)
    : geometry_(geometry), epilogue_(epilogue) {
  static const auto reorder = find<Reorder>(kReorder);
  const auto type = example.scalar_type();
  const auto converted = weight.detach().to(type).contiguous(at::MemoryFormat::ChannelsLast);
  const auto& [stride, padding, dilation, groups] = geometry_;
  weight_ = reorder.call(converted, padding, stride, dilation, groups, example.sizes());
  if (bias.defined()) bias_ = bias.detach().to(type);
}

at::Tensor PrepackedConvolution::forward(
    const at::Tensor& x, const at::Tensor& addend, bool keeps_nan) const {
  return convolve_to_end(x, weight_, bias_, addend, geometry_, epilogue_, keeps_nan);
}

PrepackedLinear::PrepackedLinear(
    const at::Tensor& weight, const at::Tensor& bias, int64_t rows, const Epilogue& epilogue)
    : bias_(bias.detach().to(at::kBFloat16)),
      multiplications_per_element_(static_cast<double>(weight.size(1))),
      epilogue_(epilogue) {
  static const auto reorder = find<ReorderLinear>(kReorderLinear);
  weight_ = reorder.call(weight.detach().to(at::kBFloat16).contiguous(), rows);
}

at::Tensor PrepackedLinear::forward(const at::Tensor& x) const {
  static const auto linear = find<Linear>(kLinear);
  const auto result =
      linear.call(x, weight_, bias_, epilogue_.name, scalars(epilogue_.arguments), "");
  record_products(multiplications_per_element_ * static_cast<double>(result.numel()));
  return result;
}

}  // namespace maskrcnn::ops
