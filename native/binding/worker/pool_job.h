#pragma once

#include <napi.h>

#include <optional>
#include <type_traits>
#include <utility>

#include "binding/worker/failure.h"

namespace maskrcnn::binding {

// A computation on libuv's thread pool that belongs to no model. The main thread calls
// `convert(env, result)`, and the promise resolves to its return value. If the computation throws a
// Failure, the promise rejects with it.
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
    } catch (const Failure& failure) {
      failure_.emplace(failure);
    } catch (const std::exception& error) {
      failure_.emplace("NATIVE", error.what());
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

template <typename Compute, typename Convert>
Napi::Promise queue_job(Napi::Env env, Compute compute, Convert convert) {
  // Queue() passes ownership to Node-API, which deletes the job when the promise is settled.
  auto* job = new PoolJob<Compute, Convert>(env, std::move(compute), std::move(convert));
  auto promise = job->promise();
  job->Queue();
  return promise;
}

}  // namespace maskrcnn::binding
