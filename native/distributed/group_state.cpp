#ifdef MASKRCNN_HAS_GLOO

#include "distributed/group_state.h"

#include <algorithm>
#include <utility>

#include "old_linux.h"

namespace maskrcnn {

namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

Group::State::Beginning::Beginning(State& of) : state_(of) {
  const std::lock_guard lock(state_.mutex);
  ++state_.beginning;
}

Group::State::Beginning::~Beginning() {
  const std::lock_guard lock(state_.mutex);
  if (!is_over_) --state_.beginning;
}

void Group::State::Beginning::end(const c10::intrusive_ptr<c10d::Work>& work, at::Device device) {
  const std::lock_guard lock(state_.mutex);
  state_.drop_ended();
  state_.under_way.push_back({work, device.is_cpu()});
  --state_.beginning;
  is_over_ = true;
}

// Asks what wait() waits for. Gloo completes the future of an operation first, and says only later
// that the work has; NCCL completes the future before its GPU has begun.
void Group::State::drop_ended() {
  std::erase_if(under_way, [](const auto& operation) {
    const auto& [work, is_on_cpu] = operation;
    try {
      return is_on_cpu ? work->getFuture()->completed() : work->isCompleted();
    } catch (const std::exception&) {
      return true;  // its GPU has failed
    }
  });
}

// Runs `work`, which may wait for a rank that has ended, on a thread of its own. If the group fails
// meanwhile, the thread is left behind.
void Group::State::run_unless_failed(std::function<void()> work) {
  struct Outcome {
    bool ended = false;
    std::exception_ptr error;
  };
  const auto outcome = std::make_shared<Outcome>();
  const auto began = Clock::now();
  std::thread([state = shared_from_this(), outcome, work = std::move(work)] {
    std::exception_ptr error;
    try {
      work();
    } catch (...) {
      error = std::current_exception();
    }
    const std::lock_guard lock(state->mutex);
    *outcome = {true, error};
    state->changed.notify_all();
  }).detach();
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return outcome->ended || failure || closing; });
  }
  require_whole();
  if (outcome->error) give_up(reason_of(outcome->error), is_late(began));
}

c10::intrusive_ptr<c10d::Backend> Group::State::backend_of(const at::Tensor& values) {
  const std::lock_guard lock(mutex);
  if (closed) throw GroupFailure("The group is closed.");
  if (values.is_cpu()) return processes;
  TORCH_CHECK(on_device, "the group has no backend for ", values.device());
  return on_device;
}

// Looks for failures of other ranks, and answers roll calls, also while this rank computes.
void Group::State::watch() {
  Watch seen;
  std::unique_lock lock(mutex);
  while (!closing && !failure) {
    lock.unlock();
    std::optional<std::string> found;
    try {
      found = look(seen);
    } catch (const std::exception& error) {
      found = store_is_silent(reason_of(error));
    }
    lock.lock();
    if (found && !closing && !failure) failure = found;
    if (failure) break;
    changed.wait_until(lock, std::chrono::system_clock::now() + kLook, [&] { return closing; });
  }
  lock.unlock();
  changed.notify_all();
}

// Why the group has failed, if it has. Each rank listens for the next one.
std::optional<std::string> Group::State::look(Watch& seen) {
  if (store.has(kFailure)) return read_failure();
  if (!seen.has_answered && store.has(kRollCall)) {
    store.set(answer_key(options.rank), std::to_string(begun.load()));
    seen.has_answered = true;
  }
  if (Clock::now() < seen.next_beat) return {};
  seen.next_beat = Clock::now() + kBeat;
  store.add(beat_key(options.rank), 1);
  const auto next = (options.rank + 1) % options.size;
  const auto beats = store.add(beat_key(next), 0);
  // Not a time: a rank that was stopped itself would take the next one for silent.
  seen.silent = std::exchange(seen.beats, beats) != beats || beats == 0 ? 0 : seen.silent + 1;
  const auto silence = seen.silent * kBeat;
  const bool has_passed = silence >= std::max(kSilence, timeout());
  if (!has_passed && !(is_silence_an_end_ && silence >= kSilence)) return {};
  store.set(silent_key(next), "1");
  const auto name = who(next);
  return tell((has_passed ? has_hung(name, options.timeout) : has_ended(name)) + ".");
}

void Group::State::require_whole() {
  std::unique_lock lock(mutex);
  if (failure) {
    lock.unlock();
    abort_device();
    lock.lock();
  }
  // To this rank, that it has left is no failure.
  if (failure && !was_whole) throw GroupFailure(*failure);
  if (closing) throw GroupFailure("The group is closed.");
}

c10::intrusive_ptr<c10d::Work> Group::State::begin(
    const at::Tensor& values,
    const std::function<c10::intrusive_ptr<c10d::Work>(c10d::Backend&)>& operation) {
  require_whole();
  Beginning beginning(*this);
  const auto backend = backend_of(values);
  ++begun;
  try {
    auto work = operation(*backend);
    beginning.end(work, values.device());
    return work;
  } catch (const std::exception& error) {
    give_up(reason_of(error));
  }
}

void Group::State::wait(
    const c10::intrusive_ptr<c10d::Work>& work, at::Device device, Clock::time_point began) {
  if (!device.is_cpu()) {
    wait_on_device(work, began);
    return;
  }
  const auto future = work->getFuture();
  // Gloo's thread may call this long after this function has thrown.
  future->addCallback([state = weak_from_this()](c10::ivalue::Future&) {
    if (const auto alive = state.lock()) {
      const std::lock_guard lock(alive->mutex);
      alive->changed.notify_all();
    }
  });
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return future->completed() || failure || closing; });
    drop_ended();
  }
  if (!future->completed()) require_whole();
  if (future->hasError()) give_up(reason_of(future->exception_ptr()), is_late(began));
}

// Whether an operation that began then has failed because it took too long.
bool Group::State::is_late(Clock::time_point began) const {
  return Clock::now() - began >= timeout();
}

// NCCL calls nobody back, and does not notice every rank that has ended.
void Group::State::wait_on_device(
    const c10::intrusive_ptr<c10d::Work>& work, Clock::time_point began) {
  while (!work->isCompleted()) {
    require_whole();
    if (is_late(began)) give_up("an operation on the GPUs has not ended", /*is_late=*/true);
    std::this_thread::sleep_for(kPoll);
  }
  if (const auto error = work->exception()) give_up(reason_of(error));
  work->wait();  // what this thread gives to the GPU from now on comes after it
  const std::lock_guard lock(mutex);
  drop_ended();
}

// A GPU that waits for a rank that has ended would keep everything waiting that uses it. NCCL may
// wait in this, too.
void Group::State::abort_device() {
  c10::intrusive_ptr<c10d::Backend> device;
  {
    const std::lock_guard lock(mutex);
    device = on_device;
  }
  if (!device || aborted_.exchange(true)) return;
  const auto ended = std::make_shared<std::atomic<bool>>(false);
  std::thread([device = std::move(device), ended] {
    try {
      device->abort();
    } catch (...) {
      // The group has ended, or failed for another reason, which is told.
    }
    *ended = true;
  }).detach();
  const auto end = Clock::now() + kPatience;
  while (!*ended && Clock::now() < end) std::this_thread::sleep_for(kPoll);
}

void Group::State::pass(const std::string& name) {
  require_whole();
  const auto key = "point/" + name;
  try {
    if (options.rank == 0) {
      store.set(key, "1");
      return;
    }
    while (!store.has(key)) {
      require_whole();
      std::this_thread::sleep_for(kLook);
    }
  } catch (const GroupFailure&) {
    throw;
  } catch (const std::exception& error) {
    give_up(reason_of(error));
  }
}

void Group::State::close(bool process_ends) {
  bool has_joined, has_failed, is_waited_for;
  {
    const std::lock_guard lock(mutex);
    has_joined = !joining;
    has_failed = failure.has_value();
    if (!std::exchange(closing, true)) was_whole = !has_failed;
    if (has_joined && std::exchange(closed, true)) return;
    drop_ended();
    // Together with `closed`: from now on, nothing begins, and what has begun may be given up.
    is_waited_for = beginning > 0 || !under_way.empty();
  }
  changed.notify_all();
  if (!has_joined) {  // the thread that joins comes here itself
    store.close();
    return;
  }
  // The others would wait for this rank as long as its process runs.
  if (is_waited_for && !has_failed && !process_ends) {
    fail("it has left the group while an operation was under way");
    has_failed = true;
  }
  if (has_failed) wait_until_heard();
  store.close();
  if (watcher.joinable()) watcher.join();
  // Not shutdown(): that waits until all ranks call it, and another one may still write, or have
  // been killed. All operations have ended, or never will.
  abort_device();
  c10::intrusive_ptr<c10d::Backend> gloo, device;
  {
    const std::lock_guard lock(mutex);
    gloo = std::move(processes);
    device = std::move(on_device);
  }
  // Gloo's destructor waits for operations. Those of a failed group may never end, nor those that
  // wait for a stopped rank, and nothing else interrupts them.
  if (has_failed || is_waited_for || process_ends) {
    gloo.release();
    device.release();
  }
}

}  // namespace maskrcnn

#endif
