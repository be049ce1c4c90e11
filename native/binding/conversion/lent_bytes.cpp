#include "binding/conversion/lent_bytes.h"

#include <limits>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "binding/conversion/arguments.h"

namespace maskrcnn::binding {

namespace {

struct Loan {
  at::Tensor tensor;  // undefined after take_lent()
};

std::mutex loans_mutex;  // all worker_threads share this, although each has its own arrays
std::unordered_map<const void*, Loan*> loans;

void end_loan(napi_env, void* data, void* hint) {
  const std::unique_ptr<Loan> loan(static_cast<Loan*>(hint));
  const std::lock_guard lock(loans_mutex);
  // If the tensor was taken, it may be freed by now and its memory may be lent again.
  if (loan->tensor.defined()) loans.erase(data);
}

}  // namespace

Napi::Value lend_bytes(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  const auto length = read_integer(info[0], "length", 1, std::numeric_limits<int64_t>::max());
  auto loan = std::make_unique<Loan>(Loan{at::empty({length}, at::kByte)});
  void* const data = loan->tensor.mutable_data_ptr();
  napi_value buffer;
  const auto status =
      napi_create_external_arraybuffer(env, data, length, end_loan, loan.get(), &buffer);
  // Electron allows no external buffers: all arrays must lie in its memory cage.
  if (status == napi_no_external_buffers_allowed) return Napi::Uint8Array::New(env, length);
  NAPI_THROW_IF_FAILED(env, status, Napi::Value());
  const std::lock_guard lock(loans_mutex);
  loans[data] = loan.release();
  return Napi::Uint8Array::New(env, length, Napi::ArrayBuffer(env, buffer), 0);
}

Napi::Value free_bytes(const Napi::CallbackInfo& info) {
  const auto env = info.Env();
  if (!info[0].IsTypedArray()) throw Napi::TypeError::New(env, "array must be a typed array.");
  const auto array = info[0].As<Napi::TypedArray>();
  auto buffer = array.ArrayBuffer();
  // Small arrays of Node.js are parts of a buffer that others use, too.
  if (!buffer.IsDetached() && array.ByteLength() == buffer.ByteLength()) buffer.Detach();
  return env.Undefined();
}

at::Tensor take_lent(const uint8_t* data, int64_t length) {
  const std::lock_guard lock(loans_mutex);
  const auto found = loans.find(data);
  if (found == loans.end() || found->second->tensor.numel() != length) return {};
  auto tensor = std::move(found->second->tensor);
  loans.erase(found);
  return tensor;
}

}  // namespace maskrcnn::binding
