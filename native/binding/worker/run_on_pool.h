#pragma once

#include <utility>

#include "binding/worker/errors.h"
#include "binding/worker/pool_job.h"
#include "binding/worker/threads.h"

namespace maskrcnn::binding {

// A PoolJob for computations that may throw libtorch's exceptions.
template <typename Compute, typename Convert>
Napi::Promise run_on_pool(Napi::Env env, Compute compute, Convert convert) {
  auto translated = [compute = std::move(compute)]() mutable {
    use_threads(default_threads());
    try {
      return compute();
    } catch (...) {
      throw current_failure();
    }
  };
  return queue_job(env, std::move(translated), std::move(convert));
}

}  // namespace maskrcnn::binding
