#ifdef MASKRCNN_HAS_GLOO

#include "distributed/group_state.h"

#include <ATen/ops/ones.h>
#include <dlfcn.h>

#if __has_include(<torch/csrc/distributed/c10d/store/TCPStore.hpp>)
#include <torch/csrc/distributed/c10d/store/TCPStore.hpp>
#else
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#endif

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "distributed/sockets.h"
#include "old_linux.h"

namespace maskrcnn {

namespace {

using Clock = std::chrono::steady_clock;

std::string list(const std::vector<std::string>& items) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ", ") + item;
  return text;
}

c10::intrusive_ptr<c10d::Store> open_store(const GroupOptions& options, bool serves) {
  c10d::TCPStoreOptions how;
  how.port = static_cast<uint16_t>(options.port);
  how.isServer = serves;
  how.waitWorkers = false;
  how.timeout = std::chrono::milliseconds(std::llround(options.timeout * 1000));
  if (serves) how.masterListenFd = bind_to(options.address, options.port);
  const auto served = c10::make_intrusive<c10d::TCPStore>(options.address, how);
  return c10::make_intrusive<c10d::PrefixStore>(options.prefix, served);
}

}  // namespace

Group::State::State(const GroupOptions& given)
    : options(given), store([given] { return open_store(given, given.serves); }, timeout()) {}

// Says who this rank is. Two processes of one rank would wait for the others without end.
void Group::State::introduce() {
  const auto own = options.host + ", process " + std::to_string(getpid());
  const auto first = store.set_first(who_key(options.rank), own);
  if (first != own) {
    throw GroupFailure(tell(
        "Each process must have a rank of its own, and two are rank " +
        std::to_string(options.rank) + ": (" + first + ") and (" + own + ")."));
  }
  if (options.serves) store.set(kServed, "1");
}

// Waits until every rank has said who it is.
void Group::State::await_all() {
  const auto end = Clock::now() + timeout();
  for (int64_t rank = 0; rank < options.size;) {
    require_whole();
    if (store.has(who_key(rank))) {
      ++rank;
      continue;
    }
    if (Clock::now() > end) {
      std::vector<std::string> missing;
      for (; rank < options.size; ++rank) {
        if (!store.has(who_key(rank))) missing.push_back(std::to_string(rank));
      }
      throw GroupFailure(tell(
          "All " + std::to_string(options.size) + " ranks must join within " +
          describe(options.timeout) + ", and these have not: " + list(missing) + "."));
    }
    std::this_thread::sleep_for(kLook);
  }
  if (store.has(kServed)) server_ = who(0);
}

void Group::State::connect() {
  auto how = c10d::ProcessGroupGloo::Options::create(timeout());
  how->devices.push_back(
      options.interface.empty()
          ? c10d::ProcessGroupGloo::createDeviceForHostname(
                own_address_towards(options.address, options.port))
          : c10d::ProcessGroupGloo::createDeviceForInterface(options.interface));
  const auto require = [state = weak_from_this()] {
    if (const auto alive = state.lock()) return alive->require_whole();
    throw GroupFailure("The group is closed.");
  };
  const auto made = std::make_shared<c10::intrusive_ptr<c10d::ProcessGroupGloo>>();
  run_unless_failed([options = options, require, made, how] {
    // A connection of its own, since its waiting may be left behind.
    const auto meeting =
        c10::make_intrusive<WatchedStore>("gloo", open_store(options, /*serves=*/false), require);
    *made = c10::make_intrusive<c10d::ProcessGroupGloo>(
        meeting, static_cast<int>(options.rank), static_cast<int>(options.size), how);
  });
  processes = *made;
}

// Waits until every rank is connected. Gloo then notices one that ends.
void Group::State::await_connected() {
  const auto end = Clock::now() + timeout();
  for (auto count = store.add(kConnected, 1); count < options.size;
       count = store.add(kConnected, 0)) {
    require_whole();
    if (Clock::now() > end) give_up("not all are connected", /*is_late=*/true);
    std::this_thread::sleep_for(kLook);
  }
}

void Group::State::join() {
  try {
    store.open();
  } catch (const GroupFailure&) {
    throw;
  } catch (const std::exception& error) {
    require_whole();  // closed meanwhile
    throw GroupFailure(
        "Rank " + std::to_string(options.rank) + " cannot reach the group's store at " +
        options.address + ":" + std::to_string(options.port) + " within " +
        describe(options.timeout) + ": " +
        (is_known(options.address) ? reason_of(error) : "this machine does not know that name") +
        ".");
  }
  try {
    introduce();
    watcher = std::thread([this] { watch(); });
    await_all();
    connect();
    await_connected();
  } catch (const GroupFailure&) {
    throw;
  } catch (const StoreFailure& error) {
    require_whole();
    note(store_is_silent(error.what()));
    require_whole();
  } catch (const std::exception& error) {
    require_whole();
    const auto words = "cannot join its group: " + reason_of(error);
    fail(words);
    throw GroupFailure("Rank " + std::to_string(options.rank) + " " + words + ".");
  }
  is_silence_an_end_ = false;
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

void Group::State::use_device(at::Device device) {
  require_whole();
  if (on_device) return;
  const auto make = reinterpret_cast<MakeDeviceBackend>(dlsym(RTLD_DEFAULT, kMakeDeviceBackend));
  if (make == nullptr) throw GroupFailure("The library that sums on GPUs has not been opened.");
  is_silence_an_end_ = true;
  struct Made {
    c10::intrusive_ptr<c10d::Backend> backend;
    c10::intrusive_ptr<c10d::Work> work;
    std::vector<at::Tensor> values;
  };
  const auto made = std::make_shared<Made>();
  const auto began = Clock::now();
  ++begun;
  run_unless_failed([options = options, made, make, device, timeout = 2 * timeout()] {
    // A connection of its own to the store: while it waits there, nobody else could use it. The
    // group gives up first, since it can tell which rank is the cause.
    make(
        {c10::make_intrusive<c10d::PrefixStore>("device", open_store(options, /*serves=*/false)),
         static_cast<int>(options.rank),
         static_cast<int>(options.size),
         timeout},
        made->backend);
    // Connects the ranks now.
    made->values = {at::ones({1}, device)};
    made->work = made->backend->allreduce(made->values);
  });
  on_device = made->backend;
  wait(made->work, device, began);
}

c10d::Backend& Group::State::backend_of(const at::Tensor& values) {
  if (values.is_cpu()) return *processes;
  TORCH_CHECK(on_device, "the group has no backend for ", values.device());
  return *on_device;
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
  if (failure) throw GroupFailure(*failure);
  if (closing) throw GroupFailure("The group is closed.");
}

c10::intrusive_ptr<c10d::Work> Group::State::begin(
    const std::function<c10::intrusive_ptr<c10d::Work>()>& operation) {
  require_whole();
  ++begun;
  try {
    return operation();
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
}

// A GPU that waits for a rank that has ended would keep everything waiting that uses it.
void Group::State::abort_device() {
  if (!on_device || aborted_.exchange(true)) return;
  try {
    on_device->abort();
  } catch (const std::exception&) {
    // The group has failed for another reason, which is told.
  }
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

void Group::State::close() {
  {
    const std::lock_guard lock(mutex);
    closing = true;
  }
  changed.notify_all();
  bool has_failed;
  {
    const std::lock_guard lock(mutex);
    has_failed = failure.has_value();
    if (joining) {  // the thread that joins comes here itself
      store.close();
      return;
    }
  }
  if (has_failed) wait_until_heard();
  store.close();
  if (watcher.joinable()) watcher.join();
  // Gloo's destructor waits for operations. Those of a failed group may never end, and nothing else
  // interrupts them.
  if (has_failed) {
    abort_device();
    processes.release();
    on_device.release();
  }
  if (on_device) on_device->shutdown();
  on_device.reset();
  processes.reset();
}

}  // namespace maskrcnn

#endif
