#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "binding/worker/errors.h"

namespace maskrcnn::binding {

// One thread that runs jobs first in, first out, and settles their promises on the JavaScript
// thread. While jobs are pending it keeps the process alive; idle, it does not. When the
// environment goes away, the job under way is finished and the others are dropped.
class Worker {
 public:
  explicit Worker(Napi::Env env);
  // Lets the jobs already queued finish, without waiting for them.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Before process.exit(): it runs no cleanup hooks of the environment, but destroys libtorch's
  // static objects under the jobs that use them. Waits for the jobs under way and drops the others.
  static void abandon_all(Napi::Env env);

  // Runs `compute` on the worker's thread and resolves to what `convert` makes of its result on the
  // JavaScript thread. Both are destroyed on the JavaScript thread.
  template <typename Compute, typename Convert>
  Napi::Promise run(Napi::Env env, Compute compute, Convert convert) {
    using Result = std::invoke_result_t<Compute>;
    struct Call {
      Napi::Promise::Deferred deferred;
      Compute compute;
      Convert convert;
      std::unique_ptr<Result> result;
      std::unique_ptr<Failure> failure;
    };
    auto call = std::make_shared<Call>(Call{
        Napi::Promise::Deferred::New(env),
        std::move(compute),
        std::move(convert),
        nullptr,
        nullptr});
    auto promise = call->deferred.Promise();
    post(
        [call] {
          try {
            call->result = std::make_unique<Result>(call->compute());
          } catch (...) {
            call->failure = std::make_unique<Failure>(current_failure());
          }
        },
        [call](Napi::Env env) {
          if (call->failure) {
            call->deferred.Reject(to_error(env, *call->failure).Value());
            return;
          }
          try {
            call->deferred.Resolve(call->convert(env, std::move(*call->result)));
          } catch (const Napi::Error& error) {
            call->deferred.Reject(error.Value());
          }
        });
    return promise;
  }

  // For computations without a result: resolves to undefined.
  template <typename Compute>
  Napi::Promise run(Napi::Env env, Compute compute) {
    return run(
        env,
        [compute = std::move(compute)]() mutable {
          compute();
          return 0;
        },
        [](Napi::Env env, int) -> Napi::Value { return env.Undefined(); });
  }

  struct State;

 private:
  void post(std::function<void()> work, std::function<void(Napi::Env)> settle);

  std::shared_ptr<State> state_;
};

}  // namespace maskrcnn::binding
