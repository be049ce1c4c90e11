#pragma once

#include <napi.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace maskrcnn::binding {

// The fields of a JavaScript object, each of a required type.
class Fields {
 public:
  Fields(const Napi::Value& value, std::string name);

  Napi::Value get(const char* field) const;
  Fields object(const char* field) const;
  double number(const char* field) const;
  int64_t integer(const char* field) const;
  bool boolean(const char* field) const;
  std::string string(const char* field) const;
  std::optional<double> optional_number(const char* field) const;  // accepts null too
  std::vector<double> numbers(const char* field) const;
  std::vector<int64_t> integers(const char* field) const;
  std::vector<std::string> strings(const char* field) const;
  std::vector<std::vector<double>> lists_of_numbers(const char* field) const;
  template <size_t count>
  std::array<double, count> array(const char* field) const {
    const auto values = numbers(field);
    if (values.size() != count) throw_wrong(field, std::to_string(count) + " numbers");
    std::array<double, count> result{};
    std::copy(values.begin(), values.end(), result.begin());
    return result;
  }

 private:
  [[noreturn]] void throw_wrong(const char* field, const std::string& expected) const;

  Napi::Object object_;
  std::string name_;
};

// The elements of a JavaScript array.
std::vector<Napi::Value> elements(const Napi::Value& value, const std::string& name);

}  // namespace maskrcnn::binding
