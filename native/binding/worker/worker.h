#pragma once

#include <napi.h>

#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

#include "binding/worker/errors.h"

namespace maskrcnn::binding {

// A thread that runs jobs in order (first in, first out) and settles their promises on the
// JavaScript thread. Pending jobs keep the process alive; an idle worker does not. When the
// environment is torn down, its groups are closed, the current job is finished and the others are
// dropped.
class Worker {
 public:
  // Its jobs compute with `threads` threads of libtorch.
  Worker(Napi::Env env, int threads);
  // Lets the queued jobs finish, without waiting for them.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Call this before process.exit(), which does not run the environment's cleanup hooks but
  // destroys libtorch's static objects while jobs use them. Closes the groups of the environment,
  // because a job may be waiting for other processes. Then waits for the current jobs and drops the
  // others.
  static void abandon_all(Napi::Env env);

  // Runs `compute` on the worker's thread, then `convert(env, result)` on the JavaScript thread.
  // The promise resolves to the return value of `convert`. Both functions are destroyed on the
  // JavaScript thread.
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

  // For computations without a result. The promise resolves to undefined.
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
