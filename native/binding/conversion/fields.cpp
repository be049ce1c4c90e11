#include "binding/conversion/fields.h"

#include <cmath>
#include <utility>

namespace maskrcnn::binding {

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

}  // namespace maskrcnn::binding
