#include "binding/worker.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace maskrcnn::binding {

namespace {

struct Job {
  std::function<void()> work;
  std::function<void(Napi::Env)> settle;
};

// Runs on the JavaScript thread; without an environment (it is being torn down) only lets go of the
// callback.
void call_on_main(Napi::Env env, Napi::Function, void*, std::function<void(Napi::Env)>* callback) {
  const std::unique_ptr<std::function<void(Napi::Env)>> owned(callback);
  if (static_cast<napi_env>(env) == nullptr) return;
  const Napi::HandleScope scope(env);
  (*owned)(env);
}

using Settler = Napi::TypedThreadSafeFunction<void, std::function<void(Napi::Env)>, call_on_main>;

}  // namespace

struct Worker::State : std::enable_shared_from_this<Worker::State> {
  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Job> jobs;
  bool closing = false;    // finish the queue, then end
  bool abandoned = false;  // end after the job under way
  std::thread thread;
  Settler settler;
  napi_env env = nullptr;
  int pending = 0;  // JavaScript thread only

  void on_main(std::function<void(Napi::Env)> callback) {
    settler.BlockingCall(new std::function<void(Napi::Env)>(std::move(callback)));
  }

  static void run(const std::shared_ptr<State>& state) {
    for (;;) {
      Job job;
      {
        std::unique_lock lock(state->mutex);
        state->wake.wait(
            lock, [&] { return state->abandoned || state->closing || !state->jobs.empty(); });
        if (state->abandoned) return;
        if (state->jobs.empty()) break;
        job = std::move(state->jobs.front());
        state->jobs.pop_front();
      }
      job.work();
      // Moved, so that what the job holds is let go on the JavaScript thread.
      state->on_main([state, job = std::move(job)](Napi::Env env) {
        if (--state->pending == 0) state->settler.Unref(env);
        job.settle(env);
      });
    }
    state->on_main([state](Napi::Env) { retire(state); });
  }

  // On the JavaScript thread, once the queue has been worked off.
  static void retire(const std::shared_ptr<State>& state) {
    napi_remove_env_cleanup_hook(state->env, abandon, state.get());
    state->thread.join();
    state->settler.Release();
  }

  // The environment is going away: nobody waits for the queue any more.
  static void abandon(void* data) {
    const auto state = static_cast<State*>(data)->shared_from_this();
    std::deque<Job> dropped;
    {
      const std::lock_guard lock(state->mutex);
      state->abandoned = true;
      dropped.swap(state->jobs);
    }
    state->wake.notify_one();
    state->thread.join();
  }
};

Worker::Worker(Napi::Env env) : state_(std::make_shared<State>()) {
  state_->env = env;
  state_->settler =
      Settler::New(env, "maskrcnn worker", /*maxQueueSize=*/0, /*initialThreadCount=*/1);
  state_->settler.Unref(env);
  state_->thread = std::thread([state = state_] { State::run(state); });
  napi_add_env_cleanup_hook(env, State::abandon, state_.get());
}

Worker::~Worker() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->closing = true;
  }
  state_->wake.notify_one();
}

void Worker::post(std::function<void()> work, std::function<void(Napi::Env)> settle) {
  if (state_->pending++ == 0) state_->settler.Ref(Napi::Env(state_->env));
  {
    const std::lock_guard lock(state_->mutex);
    state_->jobs.push_back({std::move(work), std::move(settle)});
  }
  state_->wake.notify_one();
}

}  // namespace maskrcnn::binding
