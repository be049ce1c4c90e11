#include "binding/convert.h"

#include <cmath>
#include <cstring>
#include <utility>

namespace maskrcnn::binding {

namespace {

constexpr std::array<std::pair<const char*, at::ScalarType>, 10> kDTypes{{
    {"float32", at::kFloat},
    {"float64", at::kDouble},
    {"float16", at::kHalf},
    {"bfloat16", at::kBFloat16},
    {"int64", at::kLong},
    {"int32", at::kInt},
    {"int16", at::kShort},
    {"int8", at::kChar},
    {"uint8", at::kByte},
    {"bool", at::kBool},
}};

at::ScalarType to_dtype(Napi::Env env, const std::string& name) {
  for (const auto& [known, type] : kDTypes) {
    if (name == known) return type;
  }
  throw Napi::TypeError::New(env, "No tensor has the dtype " + name + ".");
}

// Copies a typed array into a tensor of its own.
template <typename Array>
at::Tensor copy_array(
    const Napi::Value& value, const char* type, napi_typedarray_type kind, at::ScalarType dtype) {
  const bool right = value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == kind;
  if (!right) throw Napi::TypeError::New(value.Env(), std::string("Expected a ") + type + ".");
  const auto array = value.As<Array>();
  auto tensor = at::empty({static_cast<int64_t>(array.ElementLength())}, dtype);
  if (array.ByteLength() != 0) std::memcpy(tensor.data_ptr(), array.Data(), array.ByteLength());
  return tensor;
}

at::Tensor copy_floats(const Napi::Value& value) {
  return copy_array<Napi::Float32Array>(value, "Float32Array", napi_float32_array, at::kFloat);
}

at::Tensor copy_integers(const Napi::Value& value) {
  return copy_array<Napi::Int32Array>(value, "Int32Array", napi_int32_array, at::kInt);
}

void check_size(Napi::Env env, const char* name, int64_t size, int64_t expected) {
  if (size == expected) return;
  throw Napi::RangeError::New(
      env,
      std::string(name) + " must have " + std::to_string(expected) + " elements, got " +
          std::to_string(size) + ".");
}

RoiPoolOptions to_roi_pool(const Fields& fields) {
  return {
      fields.strings("featmapNames"),
      fields.integer("outputSize"),
      fields.integer("samplingRatio")};
}

SamplingOptions to_sampling(const Fields& fields, const std::string& prefix) {
  const auto field = [&](const char* name) { return prefix + name; };
  return {
      fields.number(field("FgIouThresh").c_str()),
      fields.number(field("BgIouThresh").c_str()),
      fields.integer(field("BatchSizePerImage").c_str()),
      fields.number(field("PositiveFraction").c_str())};
}

BackboneOptions to_backbone_options(const Fields& fields, bool version_2) {
  BackboneOptions options;
  options.name = fields.string("backbone");
  options.frozen_norm = fields.string("backboneNorm") == "frozen";
  options.frozen_norm_eps = fields.number("frozenBatchNormEps");
  options.trainable_layers = fields.integer("trainableBackboneLayers");
  options.returned_layers = fields.integers("returnedLayers");
  options.fpn_batch_norm = version_2;
  return options;
}

TransformOptions to_transform_options(const Fields& fields) {
  std::optional<ImageSize> fixed_size;
  if (!fields.get("fixedSize").IsNull()) {
    const auto size = fields.integers("fixedSize");
    check_size(fields.get("fixedSize").Env(), "fixedSize", static_cast<int64_t>(size.size()), 2);
    fixed_size = ImageSize{/*height=*/size[1], /*width=*/size[0]};
  }
  return {
      fields.integers("minSize"),
      fields.integer("maxSize"),
      fields.array<3>("imageMean"),
      fields.array<3>("imageStd"),
      fields.integer("sizeDivisible"),
      fixed_size,
      fields.boolean("skipResize")};
}

RpnOptions to_rpn_options(const Fields& fields, bool version_2) {
  return {
      {fields.lists_of_numbers("anchorSizes"), fields.lists_of_numbers("anchorAspectRatios")},
      /*conv_depth=*/version_2 ? 2 : 1,
      to_sampling(fields, "rpn"),
      {fields.integer("rpnPreNmsTopNTrain"), fields.integer("rpnPostNmsTopNTrain")},
      {fields.integer("rpnPreNmsTopNTest"), fields.integer("rpnPostNmsTopNTest")},
      fields.number("rpnNmsThresh"),
      fields.number("rpnScoreThresh")};
}

RoiHeadsOptions to_roi_heads_options(const Fields& fields, bool version_2) {
  return {
      fields.integer("numClasses"),
      version_2,
      to_roi_pool(fields.object("boxRoiPool")),
      to_roi_pool(fields.object("maskRoiPool")),
      to_sampling(fields, "box"),
      fields.array<4>("bboxRegWeights"),
      {fields.number("boxScoreThresh"),
       fields.number("boxNmsThresh"),
       fields.integer("boxDetectionsPerImg")}};
}

Napi::Float32Array copy_out(Napi::Env env, const float* data, size_t count) {
  auto array = Napi::Float32Array::New(env, count);
  if (count != 0) std::memcpy(array.Data(), data, count * sizeof(float));
  return array;
}

}  // namespace

Fields::Fields(const Napi::Value& value, std::string name) : name_(std::move(name)) {
  if (!value.IsObject()) throw Napi::TypeError::New(value.Env(), name_ + " must be an object.");
  object_ = value.As<Napi::Object>();
}

void Fields::throw_wrong(const char* field, const std::string& expected) const {
  throw Napi::TypeError::New(object_.Env(), name_ + "." + field + " must be " + expected + ".");
}

Napi::Value Fields::get(const char* field) const {
  return object_.Get(field);
}

Fields Fields::object(const char* field) const {
  return Fields(get(field), name_ + "." + field);
}

double Fields::number(const char* field) const {
  const auto value = get(field);
  if (!value.IsNumber()) throw_wrong(field, "a number");
  return value.As<Napi::Number>().DoubleValue();
}

int64_t Fields::integer(const char* field) const {
  const double value = number(field);
  if (value != std::floor(value) || std::abs(value) > 9007199254740991.0)
    throw_wrong(field, "an integer");
  return static_cast<int64_t>(value);
}

bool Fields::boolean(const char* field) const {
  const auto value = get(field);
  if (!value.IsBoolean()) throw_wrong(field, "a boolean");
  return value.As<Napi::Boolean>().Value();
}

std::string Fields::string(const char* field) const {
  const auto value = get(field);
  if (!value.IsString()) throw_wrong(field, "a string");
  return value.As<Napi::String>().Utf8Value();
}

std::optional<double> Fields::optional_number(const char* field) const {
  if (get(field).IsNull()) return std::nullopt;
  return number(field);
}

std::vector<double> Fields::numbers(const char* field) const {
  std::vector<double> result;
  for (const auto& value : elements(get(field), name_ + "." + field)) {
    if (!value.IsNumber()) throw_wrong(field, "a list of numbers");
    result.push_back(value.As<Napi::Number>().DoubleValue());
  }
  return result;
}

std::vector<int64_t> Fields::integers(const char* field) const {
  std::vector<int64_t> result;
  for (const double value : numbers(field)) {
    if (value != std::floor(value)) throw_wrong(field, "a list of integers");
    result.push_back(static_cast<int64_t>(value));
  }
  return result;
}

std::vector<std::string> Fields::strings(const char* field) const {
  std::vector<std::string> result;
  for (const auto& value : elements(get(field), name_ + "." + field)) {
    if (!value.IsString()) throw_wrong(field, "a list of strings");
    result.push_back(value.As<Napi::String>().Utf8Value());
  }
  return result;
}

std::vector<std::vector<double>> Fields::lists_of_numbers(const char* field) const {
  std::vector<std::vector<double>> result;
  for (const auto& list : elements(get(field), name_ + "." + field)) {
    result.emplace_back();
    for (const auto& value : elements(list, name_ + "." + field)) {
      if (!value.IsNumber()) throw_wrong(field, "lists of numbers");
      result.back().push_back(value.As<Napi::Number>().DoubleValue());
    }
  }
  return result;
}

std::vector<Napi::Value> elements(const Napi::Value& value, const std::string& name) {
  if (!value.IsArray()) throw Napi::TypeError::New(value.Env(), name + " must be an array.");
  const auto array = value.As<Napi::Array>();
  std::vector<Napi::Value> result;
  for (uint32_t i = 0; i < array.Length(); ++i) result.push_back(array.Get(i));
  return result;
}

ModelOptions to_model_options(const Napi::Value& value) {
  const Fields fields(value, "options");
  const bool version_2 = fields.integer("version") == 2;
  return {
      {to_backbone_options(fields, version_2),
       to_transform_options(fields),
       to_rpn_options(fields, version_2),
       to_roi_heads_options(fields, version_2)},
      at::Device(fields.string("device")),
      static_cast<uint64_t>(fields.integer("seed"))};
}

at::Tensor to_bytes(const Napi::Value& value) {
  return copy_array<Napi::Uint8Array>(value, "Uint8Array", napi_uint8_array, at::kByte);
}

at::Tensor to_image(const Napi::Value& value) {
  const Fields fields(value, "image");
  const auto width = fields.integer("width"), height = fields.integer("height");
  if (width < 1 || height < 1)
    throw Napi::RangeError::New(value.Env(), "An image must have at least one pixel.");
  const auto data = to_bytes(fields.get("data"));
  check_size(value.Env(), "image.data", data.numel(), width * height * 3);
  return data.view({height, width, 3});
}

std::vector<at::Tensor> to_images(const Napi::Value& value) {
  std::vector<at::Tensor> images;
  for (const auto& image : elements(value, "images")) images.push_back(to_image(image));
  if (images.empty())
    throw Napi::RangeError::New(value.Env(), "images must hold at least one image.");
  return images;
}

Target to_target(const Napi::Value& value) {
  const auto env = value.Env();
  const Fields fields(value, "target");
  const auto labels = copy_integers(fields.get("labels"));
  const auto boxes = copy_floats(fields.get("boxes"));
  const auto rects = copy_integers(fields.get("maskRects"));
  const auto data = to_bytes(fields.get("maskData"));
  const auto count = labels.numel();
  check_size(env, "target.boxes", boxes.numel(), count * 4);
  check_size(env, "target.maskRects", rects.numel(), count * 4);
  const auto sides = rects.view({count, 4}).slice(1, 2, 4).to(at::kLong);
  check_size(
      env,
      "target.maskData",
      data.numel(),
      (sides.select(1, 0) * sides.select(1, 1)).sum().item<int64_t>());
  return {boxes.view({count, 4}), labels.to(at::kLong), {rects.view({count, 4}), data}, {}, {}};
}

std::vector<Target> to_targets(const Napi::Value& value) {
  std::vector<Target> targets;
  for (const auto& target : elements(value, "targets")) targets.push_back(to_target(target));
  return targets;
}

NamedTensors to_named_tensors(const Napi::Value& value) {
  NamedTensors tensors;
  for (const auto& element : elements(value, "tensors")) {
    const Fields fields(element, "tensor");
    const auto bytes = to_bytes(fields.get("data"));
    const auto type = to_dtype(value.Env(), fields.string("dtype"));
    const auto shape = fields.integers("shape");
    const auto count = c10::multiply_integers(shape);
    check_size(
        value.Env(),
        "tensor.data",
        bytes.numel(),
        count * static_cast<int64_t>(c10::elementSize(type)));
    auto tensor = at::empty(shape, type);
    if (bytes.numel() != 0)
      std::memcpy(tensor.data_ptr(), bytes.data_ptr(), static_cast<size_t>(bytes.numel()));
    tensors.emplace_back(fields.string("name"), tensor);
  }
  return tensors;
}

std::string dtype_name(at::ScalarType type) {
  for (const auto& [name, known] : kDTypes) {
    if (known == type) return name;
  }
  TORCH_CHECK(false, "tensors of type ", type, " have no name here");
}

Napi::Array from_shape(Napi::Env env, at::IntArrayRef shape) {
  auto array = Napi::Array::New(env, shape.size());
  for (size_t i = 0; i < shape.size(); ++i) {
    array.Set(static_cast<uint32_t>(i), Napi::Number::New(env, static_cast<double>(shape[i])));
  }
  return array;
}

Napi::Value from_bytes(Napi::Env env, const at::Tensor& tensor) {
  auto* owner = new at::Tensor(tensor);
  const auto release = [](Napi::Env, uint8_t*, at::Tensor* owned) { delete owned; };
  return Napi::Buffer<uint8_t>::NewOrCopy(
      env, static_cast<uint8_t*>(tensor.data_ptr()), tensor.nbytes(), release, owner);
}

Napi::Value from_named_tensors(Napi::Env env, const NamedTensors& tensors) {
  auto array = Napi::Array::New(env, tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    const auto& [name, tensor] = tensors[i];
    auto object = Napi::Object::New(env);
    object.Set("name", name);
    object.Set("dtype", dtype_name(tensor.scalar_type()));
    object.Set("shape", from_shape(env, tensor.sizes()));
    object.Set("data", from_bytes(env, tensor));
    array.Set(static_cast<uint32_t>(i), object);
  }
  return array;
}

Napi::Value from_trace(Napi::Env env, const NamedTensors& tensors) {
  auto array = Napi::Array::New(env, tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    const auto& [name, tensor] = tensors[i];
    auto object = Napi::Object::New(env);
    object.Set("name", name);
    object.Set("shape", from_shape(env, tensor.sizes()));
    object.Set("data", from_floats(env, tensor));
    array.Set(static_cast<uint32_t>(i), object);
  }
  return array;
}

Napi::Float32Array from_floats(Napi::Env env, const at::Tensor& tensor) {
  const auto values = tensor.to(at::kCPU, at::kFloat).contiguous();
  return copy_out(env, values.const_data_ptr<float>(), static_cast<size_t>(values.numel()));
}

Napi::Int32Array from_integers(Napi::Env env, const at::Tensor& tensor) {
  const auto values = tensor.to(at::kCPU, at::kInt).contiguous();
  auto array = Napi::Int32Array::New(env, static_cast<size_t>(values.numel()));
  if (values.numel() != 0)
    std::memcpy(array.Data(), values.const_data_ptr<int32_t>(), values.nbytes());
  return array;
}

}  // namespace maskrcnn::binding
