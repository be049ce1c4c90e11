#include "binding/conversion/convert.h"

#include <array>
#include <cstring>
#include <utility>

#include "binding/conversion/arguments.h"
#include "binding/conversion/fields.h"
#include "binding/conversion/lent_bytes.h"

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

// The pixels of an image, which stay where they are.
struct ImageView {
  ArrayView<uint8_t> data;
  int64_t width, height;
};

ImageView read_image(const Napi::Value& value) {
  const Fields fields(value, "image");
  const auto width = read_size(fields.get("width"), "image.width");
  const auto height = read_size(fields.get("height"), "image.height");
  const auto data = read_bytes(fields.get("data"), "image.data");
  check_length(
      value.Env(),
      data.length,
      checked_product(value.Env(), {width, height, 3}, "An image"),
      "image.data");
  return {data, width, height};
}

}  // namespace

at::Tensor to_bytes(const Napi::Value& value) {
  const auto bytes = read_bytes(value, "bytes");
  return to_tensor(bytes, {bytes.length});
}

at::Tensor to_image(const Napi::Value& value) {
  const auto [data, width, height] = read_image(value);
  return to_tensor(data, {height, width, 3});
}

LentImages to_lent_images(const Napi::Value& value) {
  std::vector<at::Tensor> images;
  const auto held = std::make_shared<std::vector<std::shared_ptr<void>>>();
  for (const auto& image : elements(value, "images")) {
    if (!read_object(image, "image").Get("lent").ToBoolean()) {
      images.push_back(to_image(image));
      continue;
    }
    const auto [data, width, height] = read_image(image);
    held->push_back(hold(Fields(image, "image").get("data")));
    auto* const pixels = const_cast<uint8_t*>(data.data);  // nothing writes to images
    images.push_back(at::from_blob(pixels, {height, width, 3}, at::kByte));
  }
  if (images.empty())
    throw Napi::RangeError::New(value.Env(), "images must hold at least one image.");
  return {std::move(images), held};
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
  const auto labels = read_integers(fields.get("labels"), "target.labels");
  const auto boxes = read_floats(fields.get("boxes"), "target.boxes");
  const auto rects = read_integers(fields.get("maskRects"), "target.maskRects");
  const auto data = read_bytes(fields.get("maskData"), "target.maskData");
  const auto count = labels.length;
  check_length(env, boxes.length, count * 4, "target.boxes");
  check_length(env, rects.length, count * 4, "target.maskRects");
  int64_t pixels = 0;
  for (int64_t i = 0; i < count; ++i) {
    pixels += checked_product(env, {rects.data[4 * i + 2], rects.data[4 * i + 3]}, "A mask");
  }
  check_length(env, data.length, pixels, "target.maskData");
  return {
      to_tensor(boxes, {count, 4}),
      to_tensor(labels, {count}).to(at::kLong),
      {to_tensor(rects, {count, 4}), to_tensor(data, {pixels})},
      {},
      {}};
}

std::vector<Target> to_targets(const Napi::Value& value) {
  std::vector<Target> targets;
  for (const auto& target : elements(value, "targets")) targets.push_back(to_target(target));
  return targets;
}

// In bytes. Smaller arrays are not freed, because several tensors may share one, such as counts
// that are all 0.
constexpr int64_t kWorthFreeing = 1 << 16;

NamedTensors to_named_tensors(const Napi::Value& value, bool consume) {
  NamedTensors tensors;
  for (const auto& element : elements(value, "tensors")) {
    const Fields fields(element, "tensor");
    const auto name = fields.string("name");
    const auto data = fields.get("data");
    const auto bytes = read_bytes(data, name);
    const auto shape = fields.integers("shape");
    const auto dtype = to_dtype(value.Env(), fields.string("dtype"));
    const auto nbytes =
        c10::multiply_integers(shape) * static_cast<int64_t>(at::elementSize(dtype));
    check_length(value.Env(), bytes.length, nbytes, name);
    const auto lent = consume ? take_lent(bytes.data, nbytes) : at::Tensor();
    if (lent.defined()) {
      tensors.emplace_back(name, at::empty({0}, dtype).set_(lent.storage(), 0, shape));
    } else {
      const auto tensor = at::empty(shape, dtype);
      if (nbytes != 0) std::memcpy(tensor.mutable_data_ptr(), bytes.data, nbytes);
      tensors.emplace_back(name, tensor);
    }
    if (!lent.defined() && (!consume || nbytes < kWorthFreeing)) continue;
    auto buffer = data.As<Napi::Uint8Array>().ArrayBuffer();
    if (static_cast<int64_t>(buffer.ByteLength()) == nbytes) buffer.Detach();
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
  TORCH_CHECK(
      tensor.is_cpu() && tensor.is_contiguous(), "only what lies on the CPU in order is bytes");
  auto* owner = new at::Tensor(tensor);
  const auto release = [](Napi::Env, uint8_t*, at::Tensor* owned) { delete owned; };
  return Napi::Buffer<uint8_t>::NewOrCopy(
      env, static_cast<uint8_t*>(tensor.data_ptr()), tensor.nbytes(), release, owner);
}

Napi::Float32Array lend_floats(Napi::Env env, const at::Tensor& tensor) {
  TORCH_CHECK(tensor.scalar_type() == at::kFloat, "only float32 can be lent as such");
  const auto bytes = from_bytes(env, tensor).As<Napi::Uint8Array>();
  const auto count = static_cast<size_t>(tensor.numel());
  return Napi::Float32Array::New(env, count, bytes.ArrayBuffer(), bytes.ByteOffset());
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
  auto array = Napi::Float32Array::New(env, static_cast<size_t>(values.numel()));
  if (values.numel() != 0)
    std::memcpy(array.Data(), values.const_data_ptr<float>(), values.nbytes());
  return array;
}

Napi::Int32Array from_integers(Napi::Env env, const at::Tensor& tensor) {
  const auto values = tensor.to(at::kCPU, at::kInt).contiguous();
  auto array = Napi::Int32Array::New(env, static_cast<size_t>(values.numel()));
  if (values.numel() != 0)
    std::memcpy(array.Data(), values.const_data_ptr<int32_t>(), values.nbytes());
  return array;
}

}  // namespace maskrcnn::binding
