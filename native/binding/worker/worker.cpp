#include "binding/worker/worker.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>
#include <thread>

#include "binding/worker/threads.h"
#include "distributed/group.h"
#include "old_linux.h"

namespace maskrcnn::binding {

struct Worker::State : std::enable_shared_from_this<Worker::State> {
  struct Job {
    std::function<void()> work;
    std::function<void(Napi::Env)> settle;
  };

  // Runs on the JavaScript thread. If the environment is being torn down, there is no env, and this
  // only frees the callback.
  static void call_on_main(
      Napi::Env env, Napi::Function, void*, std::function<void(Napi::Env)>* callback) {
    const std::unique_ptr<std::function<void(Napi::Env)>> owned(callback);
    if (static_cast<napi_env>(env) == nullptr) return;
    const Napi::HandleScope scope(env);
    (*owned)(env);
  }

  using Settler = Napi::TypedThreadSafeFunction<void, std::function<void(Napi::Env)>, call_on_main>;

  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Job> jobs;
  bool closing = false;    // finish the queue, then end
  bool abandoned = false;  // end after the current job
  std::thread thread;
  int threads = 1;  // of libtorch
  Settler settler;
  napi_env env = nullptr;
  int pending = 0;  // JavaScript thread only

  void start(Napi::Env env);
  void run();
  void retire();
  void abandon();

 private:
  // Returns false if the worker is abandoned. Then the callback is never destroyed, because its
  // contents belong to a JavaScript thread that no longer exists.
  bool on_main(std::function<void(Napi::Env)> callback) {
    auto* owned = new std::function<void(Napi::Env)>(std::move(callback));
    const std::lock_guard lock(mutex);
    if (abandoned) return false;
    settler.BlockingCall(owned);
    return true;
  }

  static void environment_ends(void* state) {
    auto* const self = static_cast<State*>(state);
    // First, because the job may be waiting for other processes.
    Group::close_all(self->env, /*process_ends=*/false);
    self->abandon();
  }
};

namespace {

// The workers whose threads are not yet joined, of all environments that share this library.
class LiveWorkers {
 public:
  void add(std::shared_ptr<Worker::State> state) {
    const std::lock_guard lock(mutex_);
    states_.insert(std::move(state));
  }
  void remove(const std::shared_ptr<Worker::State>& state) {
    const std::lock_guard lock(mutex_);
    states_.erase(state);
  }
  std::set<std::shared_ptr<Worker::State>> all() {
    const std::lock_guard lock(mutex_);
    return states_;
  }

 private:
  std::mutex mutex_;
  std::set<std::shared_ptr<Worker::State>> states_;
};

LiveWorkers live_workers;

}  // namespace

void Worker::State::start(Napi::Env environment) {
  env = environment;
  settler =
      Settler::New(environment, "maskrcnn worker", /*maxQueueSize=*/0, /*initialThreadCount=*/1);
  settler.Unref(environment);
  thread = std::thread([state = shared_from_this()] { state->run(); });
  napi_add_env_cleanup_hook(env, environment_ends, this);
  live_workers.add(shared_from_this());
}

void Worker::State::run() {
  const auto state = shared_from_this();
  use_threads(threads);
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex);
      wake.wait(lock, [&] { return abandoned || closing || !jobs.empty(); });
      if (abandoned) return;
      if (jobs.empty()) break;
      job = std::move(jobs.front());
      jobs.pop_front();
    }
    job.work();
    // Moved, so that the contents of the job are destroyed on the JavaScript thread.
    const bool settled = on_main([state, job = std::move(job)](Napi::Env env) {
      if (--state->pending == 0) state->settler.Unref(env);
      job.settle(env);
    });
    if (!settled) return;
  }
  on_main([state](Napi::Env) { state->retire(); });
}

// Runs on the JavaScript thread after the queue is finished. The settler's queue may still call
// this after the worker was abandoned.
void Worker::State::retire() {
  if (!thread.joinable()) return;
  const auto self = shared_from_this();
  napi_remove_env_cleanup_hook(env, environment_ends, this);
  thread.join();
  settler.Release();
  live_workers.remove(self);
}

// The environment is being torn down, so nobody waits for the queue any more.
void Worker::State::abandon() {
  const auto self = shared_from_this();
  {
    const std::lock_guard lock(mutex);
    abandoned = true;
  }
  wake.notify_one();
  thread.join();
  napi_remove_env_cleanup_hook(env, environment_ends, this);
  live_workers.remove(self);
}

Worker::Worker(Napi::Env env, int threads) : state_(std::make_shared<State>()) {
  state_->threads = threads;
  state_->start(env);
}

void Worker::abandon_all(Napi::Env env) {
  Group::close_all(env, /*process_ends=*/true);
  for (const auto& state : live_workers.all()) {
    if (state->env == static_cast<napi_env>(env)) state->abandon();
  }
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
