#pragma once

#include <napi.h>

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "aten.h"

namespace maskrcnn::binding {

// Positional arguments of the functions on plain arrays. A wrong type throws TypeError; a wrong
// length or value throws RangeError. `name` is the subject of the message.

// The maximum number of elements of an argument or result. The product of two such numbers still
// fits in an int64.
constexpr int64_t kMaxElements = int64_t{1} << 31;

// "NAME must be EXPECTATION, got VALUE."
[[noreturn]] void refuse_value(
    Napi::Env env, const std::string& name, const std::string& expectation, double value);

double read_number(const Napi::Value& value, const std::string& name);  // finite
int64_t read_integer(
    const Napi::Value& value, const std::string& name, int64_t least, int64_t most);
int64_t read_size(const Napi::Value& value, const std::string& name);  // 1..kMaxElements
Napi::Object read_object(const Napi::Value& value, const std::string& name);
std::string read_string(const Napi::Value& value, const std::string& name);

// The product of sizes in 0..kMaxElements. It must not exceed kMaxElements either.
int64_t checked_product(
    Napi::Env env, std::initializer_list<int64_t> sizes, const std::string& name);

// Keeps a JavaScript object, such as an array whose memory is read elsewhere, until all copies of
// the result are gone. The last one must go on the JavaScript thread.
std::shared_ptr<void> hold(const Napi::Value& object);

// A view of the memory of a JavaScript typed array, which stays its owner.
template <typename T>
struct ArrayView {
  const T* data;
  int64_t length;
};

template <typename T>
std::vector<T> copy(const ArrayView<T>& view) {
  return {view.data, view.data + view.length};
}

ArrayView<uint8_t> read_bytes(const Napi::Value& value, const std::string& name);
ArrayView<int32_t> read_integers(const Napi::Value& value, const std::string& name);
ArrayView<float> read_floats(const Napi::Value& value, const std::string& name);
ArrayView<float> read_finite_floats(const Napi::Value& value, const std::string& name);
ArrayView<double> read_finite_doubles(const Napi::Value& value, const std::string& name);
std::vector<std::string> read_strings(const Napi::Value& value, const std::string& name);

void check_length(Napi::Env env, int64_t length, int64_t expected, const std::string& name);

// The number of rows of `width` numbers in an array of `length` numbers.
int64_t count_rows(Napi::Env env, int64_t length, int64_t width, const std::string& name);

template <typename T>
at::Tensor to_tensor(const ArrayView<T>& view, at::IntArrayRef sizes) {
  const auto tensor = at::empty(sizes, c10::CppTypeToScalarType<T>::value);
  if (view.length > 0) std::memcpy(tensor.mutable_data_ptr(), view.data, view.length * sizeof(T));
  return tensor;
}

// A bitmap of a rectangle of an image: {left, top, width, height, data}. Where it lies in the image
// is not checked.
struct CropView {
  int64_t left, top, width, height;
  ArrayView<uint8_t> data;  // row-major
};
CropView read_crop(const Napi::Value& value, const std::string& name);

}  // namespace maskrcnn::binding
