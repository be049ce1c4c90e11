#include "binding/conversion/arguments.h"

#include <cmath>
#include <type_traits>

namespace maskrcnn::binding {
namespace {

[[noreturn]] void refuse_type(
    Napi::Env env, const std::string& name, const std::string& expectation) {
  throw Napi::TypeError::New(env, name + " must be " + expectation + ".");
}

template <typename Array>
auto read_array(
    const Napi::Value& value,
    napi_typedarray_type type,
    const std::string& name,
    const char* kind) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type) {
    refuse_type(value.Env(), name, kind);
  }
  auto array = value.As<Array>();
  using Element = std::remove_pointer_t<decltype(array.Data())>;
  return ArrayView<Element>{array.Data(), static_cast<int64_t>(array.ElementLength())};
}

}  // namespace

void refuse_value(
    Napi::Env env, const std::string& name, const std::string& expectation, double value) {
  const auto text = Napi::Number::New(env, value).ToString().Utf8Value();
  throw Napi::RangeError::New(env, name + " must be " + expectation + ", got " + text + ".");
}

double read_number(const Napi::Value& value, const std::string& name) {
  if (!value.IsNumber()) refuse_type(value.Env(), name, "a number");
  const double number = value.As<Napi::Number>().DoubleValue();
  if (!std::isfinite(number)) refuse_value(value.Env(), name, "finite", number);
  return number;
}

int64_t read_integer(
    const Napi::Value& value, const std::string& name, int64_t least, int64_t most) {
  const double number = read_number(value, name);
  if (number != std::floor(number) || number < static_cast<double>(least) ||
      number > static_cast<double>(most)) {
    refuse_value(
        value.Env(),
        name,
        "a whole number in " + std::to_string(least) + ".." + std::to_string(most),
        number);
  }
  return static_cast<int64_t>(number);
}

int64_t read_size(const Napi::Value& value, const std::string& name) {
  return read_integer(value, name, /*least=*/1, /*most=*/kMaxElements);
}

Napi::Object read_object(const Napi::Value& value, const std::string& name) {
  if (!value.IsObject()) refuse_type(value.Env(), name, "an object");
  return value.As<Napi::Object>();
}

std::string read_string(const Napi::Value& value, const std::string& name) {
  if (!value.IsString()) refuse_type(value.Env(), name, "a string");
  return value.As<Napi::String>().Utf8Value();
}

std::shared_ptr<void> hold(const Napi::Value& object) {
  return std::make_shared<Napi::ObjectReference>(Napi::Persistent(object.As<Napi::Object>()));
}

int64_t checked_product(
    Napi::Env env, std::initializer_list<int64_t> sizes, const std::string& name) {
  int64_t product = 1;
  for (const auto size : sizes) {
    product *= size;
    if (product > kMaxElements) {
      refuse_value(
          env,
          name,
          "at most " + std::to_string(kMaxElements) + " elements",
          static_cast<double>(product));
    }
  }
  return product;
}

ArrayView<uint8_t> read_bytes(const Napi::Value& value, const std::string& name) {
  return read_array<Napi::Uint8Array>(value, napi_uint8_array, name, "a Uint8Array");
}

ArrayView<int32_t> read_integers(const Napi::Value& value, const std::string& name) {
  return read_array<Napi::Int32Array>(value, napi_int32_array, name, "an Int32Array");
}

ArrayView<float> read_floats(const Napi::Value& value, const std::string& name) {
  return read_array<Napi::Float32Array>(value, napi_float32_array, name, "a Float32Array");
}

ArrayView<float> read_finite_floats(const Napi::Value& value, const std::string& name) {
  const auto view = read_floats(value, name);
  for (int64_t i = 0; i < view.length; ++i) {
    if (!std::isfinite(view.data[i])) {
      refuse_value(value.Env(), name + "[" + std::to_string(i) + "]", "finite", view.data[i]);
    }
  }
  return view;
}

ArrayView<double> read_finite_doubles(const Napi::Value& value, const std::string& name) {
  const auto view =
      read_array<Napi::Float64Array>(value, napi_float64_array, name, "a Float64Array");
  for (int64_t i = 0; i < view.length; ++i) {
    if (!std::isfinite(view.data[i])) {
      refuse_value(value.Env(), name + "[" + std::to_string(i) + "]", "finite", view.data[i]);
    }
  }
  return view;
}

std::vector<std::string> read_strings(const Napi::Value& value, const std::string& name) {
  if (!value.IsArray()) refuse_type(value.Env(), name, "an array");
  const auto array = value.As<Napi::Array>();
  std::vector<std::string> strings;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    strings.push_back(read_string(array.Get(i), name + "[" + std::to_string(i) + "]"));
  }
  return strings;
}

void check_length(Napi::Env env, int64_t length, int64_t expected, const std::string& name) {
  if (length == expected) return;
  refuse_value(env, "The length of " + name, std::to_string(expected), static_cast<double>(length));
}

int64_t count_rows(Napi::Env env, int64_t length, int64_t width, const std::string& name) {
  if (length % width == 0) return length / width;
  refuse_value(
      env,
      "The length of " + name,
      "a multiple of " + std::to_string(width),
      static_cast<double>(length));
}

CropView read_crop(const Napi::Value& value, const std::string& name) {
  const auto object = read_object(value, name);
  const auto side = [&](const char* field) {
    return read_integer(object.Get(field), name + "." + field, 0, kMaxElements);
  };
  const auto left = side("left"), top = side("top"), width = side("width"), height = side("height");
  const auto data = read_bytes(object.Get("data"), name + ".data");
  const auto length = checked_product(value.Env(), {width, height}, "The mask");
  check_length(value.Env(), data.length, length, name + ".data");
  return {left, top, width, height, data};
}

}  // namespace maskrcnn::binding
