#ifdef MASKRCNN_HAS_GLOO

#include "distributed/group_state.h"

#include <ATen/ops/ones.h>
#include <dlfcn.h>

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#if __has_include(<torch/csrc/distributed/c10d/store/TCPStore.hpp>)
#include <torch/csrc/distributed/c10d/store/TCPStore.hpp>
#else
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#endif

#include <unistd.h>

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

}  // namespace

c10::intrusive_ptr<c10d::Store> Group::State::open_store(bool serves) const {
  c10d::TCPStoreOptions how;
  how.port = static_cast<uint16_t>(options.port);
  how.isServer = serves;
  how.waitWorkers = false;
  how.timeout = timeout();
  if (serves) how.masterListenFd = bind_to(options.address, options.port);
  try {
    const auto served = c10::make_intrusive<c10d::TCPStore>(options.address, how);
    return c10::make_intrusive<c10d::PrefixStore>(options.prefix, served);
  } catch (const std::exception& error) {
    throw GroupFailure(
        "Rank " + std::to_string(options.rank) + " cannot reach the group's store at " +
        options.address + ":" + std::to_string(options.port) + " within " +
        describe(options.timeout) + ": " + reason_of(error) + ".");
  }
}

// Waits until every rank has said who it is.
void Group::State::await_all() {
  store->set(
      who_key(options.rank), to_bytes(options.host + ", process " + std::to_string(getpid())));
  const auto end = Clock::now() + timeout();
  for (int64_t rank = 0; rank < options.size;) {
    if (store->check({who_key(rank)})) {
      ++rank;
      continue;
    }
    if (learn_failure()) throw GroupFailure(*failure);
    if (Clock::now() > end) {
      std::vector<std::string> missing;
      for (; rank < options.size; ++rank) {
        if (!store->check({who_key(rank)})) missing.push_back(std::to_string(rank));
      }
      throw GroupFailure(
          "All " + std::to_string(options.size) + " ranks must join within " +
          describe(options.timeout) + ", and these have not: " + list(missing) + ".");
    }
    std::this_thread::sleep_for(kLook);
  }
}

void Group::State::join() {
  store = open_store(options.serves);
  try {
    await_all();
    auto how = c10d::ProcessGroupGloo::Options::create(timeout());
    how->devices.push_back(
        options.interface.empty()
            ? c10d::ProcessGroupGloo::createDeviceForHostname(
                  own_address_towards(options.address, options.port))
            : c10d::ProcessGroupGloo::createDeviceForInterface(options.interface));
    processes = c10::make_intrusive<c10d::ProcessGroupGloo>(
        store, static_cast<int>(options.rank), static_cast<int>(options.size), how);
  } catch (const GroupFailure&) {
    throw;
  } catch (const std::exception& error) {
    throw GroupFailure(
        "Rank " + std::to_string(options.rank) + " cannot join its group: " + reason_of(error) +
        ".");
  }
  watcher = std::thread([this] { watch(); });
}

void Group::State::use_device(at::Device device) {
  require_whole();
  if (on_device) return;
  const auto make = reinterpret_cast<MakeDeviceBackend>(dlsym(RTLD_DEFAULT, kMakeDeviceBackend));
  if (make == nullptr) throw GroupFailure("The library that sums on GPUs has not been opened.");
  try {
    // A connection of its own to the store: while it waits there, nobody else could use it. The
    // group gives up first, since it can tell which rank is the cause.
    make(
        {c10::make_intrusive<c10d::PrefixStore>("device", open_store(/*serves=*/false)),
         static_cast<int>(options.rank),
         static_cast<int>(options.size),
         2 * timeout()},
        on_device);
    beats_ = true;
    // Connects the ranks now.
    std::vector<at::Tensor> values{at::ones({1}, device)};
    wait(begin([&] { return on_device->allreduce(values); }), device);
  } catch (const GroupFailure&) {
    throw;
  } catch (const std::exception& error) {
    throw GroupFailure(
        "Rank " + std::to_string(options.rank) + " cannot join its group with " + device.str() +
        ": " + reason_of(error) + ".");
  }
}

c10d::Backend& Group::State::backend_of(const at::Tensor& values) {
  if (values.is_cpu()) return *processes;
  TORCH_CHECK(on_device, "the group has no backend for ", values.device());
  return *on_device;
}

// Looks for failures of other ranks, and answers roll calls, also while this rank computes.
void Group::State::watch() {
  bool has_answered = false;
  auto next_beat = Clock::now();
  std::unique_lock lock(mutex);
  while (!closing && !failure) {
    lock.unlock();
    std::optional<std::string> found;
    try {
      if (store->check({kFailure})) {
        found = read_failure();
      } else if (!has_answered && store->check({kRollCall})) {
        store->set(answer_key(options.rank), to_bytes(std::to_string(begun.load())));
        has_answered = true;
      }
      if (beats_ && Clock::now() >= next_beat) {
        store->add(beat_key(options.rank), 1);
        next_beat = Clock::now() + kBeat;
      }
    } catch (const std::exception& error) {
      found = "The group's store at " + options.address + ":" + std::to_string(options.port) +
              " does not answer any more (" + reason_of(error) + "): " +
              (options.serves ? "this rank serves it." : "the process that serves it has ended.");
    }
    lock.lock();
    if (found && !closing && !failure) failure = found;
    if (failure) break;
    changed.wait_until(lock, std::chrono::system_clock::now() + kLook, [&] { return closing; });
  }
  lock.unlock();
  changed.notify_all();
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

void Group::State::wait(const c10::intrusive_ptr<c10d::Work>& work, at::Device device) {
  if (!device.is_cpu()) {
    wait_on_device(work);
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
  if (future->hasError()) give_up(reason_of(future->exception_ptr()));
}

// NCCL calls nobody back, and does not notice every rank that has ended.
void Group::State::wait_on_device(const c10::intrusive_ptr<c10d::Work>& work) {
  const auto end = Clock::now() + timeout();
  auto next_look = Clock::now() + kBeat;
  std::vector<Heard> heard;
  while (!work->isCompleted()) {
    require_whole();
    const auto now = Clock::now();
    if (now > end) give_up("an operation on the GPUs has not ended");
    if (now > next_look) {
      if (!listen(heard)) give_up("an operation on the GPUs does not end");
      next_look = now + kBeat;
    }
    std::this_thread::sleep_for(kPoll);
  }
  if (const auto error = work->exception()) give_up(reason_of(error));
  work->wait();  // what this thread gives to the GPU from now on comes after it
}

// Whether all ranks have shown that they run.
bool Group::State::listen(std::vector<Heard>& heard) {
  const auto now = Clock::now();
  heard.resize(static_cast<size_t>(options.size), {now});
  try {
    for (int64_t rank = 0; rank < options.size; ++rank) {
      auto& [at, beats] = heard[static_cast<size_t>(rank)];
      const auto count = store->add(beat_key(rank), 0);
      if (std::exchange(beats, count) != count) at = now;
      if (now - at > kSilence) return false;
    }
  } catch (const std::exception&) {
    return false;  // the store has ended
  }
  return true;
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
      store->set(key, to_bytes("1"));
      return;
    }
    while (!store->check({key})) {
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
  if (watcher.joinable()) watcher.join();
  // Gloo's destructor waits for operations. Those of a failed group may never end, and nothing else
  // interrupts them.
  if (failure) {
    abort_device();
    processes.release();
    on_device.release();
  }
  if (on_device) on_device->shutdown();
  on_device.reset();
  processes.reset();
  store.reset();
}

}  // namespace maskrcnn

#endif
