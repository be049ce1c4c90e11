// How a rank finds the others and connects to them.
#ifdef MASKRCNN_HAS_GLOO

#include <ATen/ops/ones.h>
#include <dlfcn.h>
#include <unistd.h>

#if __has_include(<torch/csrc/distributed/c10d/store/TCPStore.hpp>)
#include <torch/csrc/distributed/c10d/store/TCPStore.hpp>
#else
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#endif

#include <c10/util/Logging.h>

#include <cmath>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "distributed/group_state.h"
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

// Says who this rank is. Two members of one rank would wait for the others without end.
void Group::State::introduce() {
  const auto own = options.host + ", process " + std::to_string(getpid());
  // Two threads of a process have one name, and so may processes of two containers.
  std::random_device random;
  const auto claim = std::to_string(random()) + "/" + std::to_string(random()) + " " + own;
  const auto first = store.set_first(claim_key(options.rank), claim);
  if (first != claim) {
    throw GroupFailure(tell(
        "Each process must have a rank of its own, and two are rank " +
        std::to_string(options.rank) + ": (" + first.substr(first.find(' ') + 1) + ") and (" + own +
        ")."));
  }
  store.set(who_key(options.rank), own);
  const auto size =
      std::to_string(options.size) + " processes (rank " + std::to_string(options.rank);
  const auto known = store.set_first(kSize, size);
  if (known.substr(0, known.find('(')) != size.substr(0, size.find('('))) {
    throw GroupFailure(tell(
        "All ranks must have the same number of processes, but it is " + known + ") and " + size +
        ")."));
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
  if (!store.has(kServed)) return;
  const auto first = who(0);
  const std::lock_guard lock(mutex);
  server_ = first;
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
  const std::lock_guard lock(mutex);
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
  // c10d would log what it meets, with stacks, around the one error that names the cause. As with
  // TORCH_CPP_LOG_LEVEL=FATAL.
  if (std::getenv("TORCH_CPP_LOG_LEVEL") == nullptr) FLAGS_caffe2_log_level = 3;
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

void Group::State::use_device(at::Device device) {
  require_whole();
  {
    const std::lock_guard lock(mutex);
    if (on_device) return;
  }
  const auto make = reinterpret_cast<MakeDeviceBackend>(dlsym(RTLD_DEFAULT, kMakeDeviceBackend));
  if (make == nullptr) throw GroupFailure("The library that sums on GPUs has not been opened.");
  is_silence_an_end_ = true;
  struct Made {
    // Left behind by a group that has failed or is closed: its destructor would wait for the
    // operation.
    ~Made() { backend.release(); }
    c10::intrusive_ptr<c10d::Backend> backend;
    c10::intrusive_ptr<c10d::Work> work;
    std::vector<at::Tensor> values;
  };
  const auto made = std::make_shared<Made>();
  const auto began = Clock::now();
  Beginning beginning(*this);
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
  {
    const std::lock_guard lock(mutex);
    if (closed) throw GroupFailure("The group is closed.");
    on_device = std::move(made->backend);
  }
  beginning.end(made->work, device);
  wait(made->work, device, began);
}

}  // namespace maskrcnn

#endif
