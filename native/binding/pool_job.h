#pragma once

#include <napi.h>

#include <optional>
#include <type_traits>
#include <utility>

#include "binding/errors.h"

namespace maskrcnn::binding {

// A computation that belongs to no model, on libuv's thread pool.
template <typename Compute, typename Convert>
class PoolJob : public Napi::AsyncWorker {
 public:
  PoolJob(Napi::Env env, Compute compute, Convert convert)
      : Napi::AsyncWorker(env, "maskrcnn pool job"),
        deferred_(Napi::Promise::Deferred::New(env)),
        compute_(std::move(compute)),
        convert_(std::move(convert)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    try {
      result_.emplace(compute_());
    } catch (...) {
      failure_.emplace(current_failure());
    }
  }

  void OnOK() override {
    const auto env = Env();
    if (failure_) {
      deferred_.Reject(to_error(env, *failure_).Value());
      return;
    }
    try {
      deferred_.Resolve(convert_(env, *result_));
    } catch (const Napi::Error& error) {
      deferred_.Reject(error.Value());
    }
  }

 private:
  Napi::Promise::Deferred deferred_;
  Compute compute_;
  Convert convert_;
  std::optional<std::invoke_result_t<Compute>> result_;
  std::optional<Failure> failure_;
};

// Runs `compute` on the pool; the promise resolves to what `convert(env, result)` makes of its
// result.
template <typename Compute, typename Convert>
Napi::Promise run_on_pool(Napi::Env env, Compute compute, Convert convert) {
  // Queue() hands it to Node-API, which deletes it once the promise is settled.
  auto* job = new PoolJob<Compute, Convert>(env, std::move(compute), std::move(convert));
  auto promise = job->promise();
  job->Queue();
  return promise;
}

}  // namespace maskrcnn::binding
