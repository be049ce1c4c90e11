#include "distributed/group.h"

#ifdef MASKRCNN_HAS_GLOO

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#if __has_include(<torch/csrc/distributed/c10d/store/TCPStore.hpp>)
#include <torch/csrc/distributed/c10d/store/TCPStore.hpp>
#else
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#endif

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "distributed/sockets.h"

namespace maskrcnn {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// How often a rank looks for news of the others.
constexpr milliseconds kLook{100};
// How long a rank that still runs may take to answer, or to say why it ends.
constexpr milliseconds kAnswer{1500};

// Keys of the store.
constexpr const char* kFailure = "failure";     // why the group has failed
constexpr const char* kRollCall = "roll call";  // asks all ranks to answer
std::string who_key(int64_t rank) {
  return "who/" + std::to_string(rank);
}
std::string answer_key(int64_t rank) {
  return "answer/" + std::to_string(rank);
}

std::vector<uint8_t> to_bytes(const std::string& text) {
  return {text.begin(), text.end()};
}

std::string to_text(const std::vector<uint8_t>& bytes) {
  return {bytes.begin(), bytes.end()};
}

std::string reason_of(const std::exception& error) {
  const auto* known = dynamic_cast<const c10::Error*>(&error);
  const std::string text = known != nullptr ? known->what_without_backtrace() : error.what();
  return text.substr(0, text.find('\n'));
}

std::string reason_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& known) {
    return reason_of(known);
  } catch (...) {
    return "an unknown error";
  }
}

std::string list(const std::vector<std::string>& items) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ", ") + item;
  return text;
}

// 0.5 s, 10 minutes
std::string describe(double seconds) {
  std::ostringstream text;
  if (seconds < 120) {
    text << seconds << " s";
  } else {
    text << seconds / 60 << " minutes";
  }
  return text.str();
}

}  // namespace

struct Group::State : std::enable_shared_from_this<Group::State> {
  explicit State(const GroupOptions& given) : options(given) {}

  const GroupOptions options;
  c10::intrusive_ptr<c10d::Store> store;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> processes;
  std::thread watcher;

  std::mutex mutex;
  std::condition_variable changed;  // an operation has ended, or one of the following
  std::optional<std::string> failure;
  bool closing = false;
  std::atomic<int64_t> begun{0};  // number of operations that this rank has begun

  void join();
  c10::intrusive_ptr<c10d::Work> begin(
      const std::function<c10::intrusive_ptr<c10d::Work>()>& operation);
  void wait(const c10::intrusive_ptr<c10d::Work>& work);
  void pass(const std::string& name);
  void fail(const std::string& words);
  void close();

 private:
  c10::intrusive_ptr<c10d::Store> open_store() const;
  void await_all();
  void watch();
  void require_whole();
  std::string who(int64_t rank) const;
  std::string find_cause(const std::string& symptom);
  bool learn_failure();
  void note(const std::string& words);
  [[noreturn]] void give_up(const std::string& symptom);
  milliseconds timeout() const { return milliseconds(std::llround(options.timeout * 1000)); }
};

namespace {

// The groups of this process that are open.
struct OpenGroups {
  std::mutex mutex;
  std::set<Group::State*> states;
};

OpenGroups open_groups;

}  // namespace

c10::intrusive_ptr<c10d::Store> Group::State::open_store() const {
  c10d::TCPStoreOptions how;
  how.port = static_cast<uint16_t>(options.port);
  how.isServer = options.serves;
  how.waitWorkers = false;
  how.timeout = timeout();
  if (options.serves) how.masterListenFd = bind_to(options.address, options.port);
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
  store = open_store();
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
  const std::lock_guard lock(open_groups.mutex);
  open_groups.states.insert(this);
}

// Looks for failures of other ranks, and answers roll calls, also while this rank computes.
void Group::State::watch() {
  bool has_answered = false;
  std::unique_lock lock(mutex);
  while (!closing && !failure) {
    lock.unlock();
    std::optional<std::string> found;
    try {
      if (store->check({kFailure})) {
        found = to_text(store->get(kFailure));
      } else if (!has_answered && store->check({kRollCall})) {
        store->set(answer_key(options.rank), to_bytes(std::to_string(begun.load())));
        has_answered = true;
      }
    } catch (const std::exception& error) {
      found = "The group's store at " + options.address + ":" + std::to_string(options.port) +
              " does not answer any more (" + reason_of(error) + "): " +
              (options.serves ? "this rank serves it." : "the process that serves it has ended.");
    }
    lock.lock();
    if (found && !closing && !failure) failure = found;
    if (failure) break;
    changed.wait_for(lock, kLook, [&] { return closing; });
  }
  lock.unlock();
  changed.notify_all();
}

void Group::State::require_whole() {
  const std::lock_guard lock(mutex);
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

void Group::State::wait(const c10::intrusive_ptr<c10d::Work>& work) {
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

std::string Group::State::who(int64_t rank) const {
  const auto key = who_key(rank);
  const auto name = store->check({key}) ? to_text(store->get(key)) : "unknown";
  return "Rank " + std::to_string(rank) + " (" + name + ")";
}

// Whether the store says why the group has failed.
bool Group::State::learn_failure() {
  if (!store->check({kFailure})) return false;
  note(to_text(store->get(kFailure)));
  return true;
}

void Group::State::note(const std::string& words) {
  {
    const std::lock_guard lock(mutex);
    if (!failure) failure = words;
  }
  changed.notify_all();
}

// Which rank is the cause of a failed operation. Asks all ranks to answer: one that has ended does
// not, and one that hangs has begun fewer operations than the others.
std::string Group::State::find_cause(const std::string& symptom) {
  store->set(kRollCall, to_bytes("1"));
  store->set(answer_key(options.rank), to_bytes(std::to_string(begun.load())));
  const auto end = Clock::now() + kAnswer;
  std::vector<int64_t> silent;
  do {
    if (learn_failure()) return *failure;
    silent.clear();
    for (int64_t rank = 0; rank < options.size; ++rank) {
      if (!store->check({answer_key(rank)})) silent.push_back(rank);
    }
    std::this_thread::sleep_for(kLook);
  } while (Clock::now() < end);
  if (!silent.empty()) {
    return who(silent.front()) + " has ended without a word, or cannot be reached any more (" +
           symptom + ").";
  }
  int64_t least = begun, last = options.rank;
  for (int64_t rank = 0; rank < options.size; ++rank) {
    const auto count = std::stoll(to_text(store->get(answer_key(rank))));
    if (count < least) {
      least = count;
      last = rank;
    }
  }
  if (last != options.rank) {
    return who(last) + " has kept the others waiting for longer than " + describe(options.timeout) +
           " (" + symptom + ").";
  }
  return "The connections of the group have failed (" + symptom + ").";
}

// Finds the cause, tells it to all ranks and throws it.
void Group::State::give_up(const std::string& symptom) {
  std::string cause;
  try {
    cause = find_cause(symptom);
    cause = to_text(store->compareSet(kFailure, {}, to_bytes(cause)));
  } catch (const std::exception&) {
    cause = "The group's store at " + options.address + ":" + std::to_string(options.port) +
            " does not answer any more, and the connections have failed (" + symptom +
            "): the process that serves the store has ended.";
  }
  note(cause);
  const std::lock_guard lock(mutex);
  throw GroupFailure(*failure);
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

void Group::State::fail(const std::string& words) {
  try {
    if (learn_failure()) return;
    store->compareSet(kFailure, {}, to_bytes(who(options.rank) + " has failed: " + words));
  } catch (const std::exception&) {
    // Without the store the others find out by themselves.
  }
  note("Rank " + std::to_string(options.rank) + " has failed: " + words);
}

void Group::State::close() {
  {
    const std::lock_guard lock(open_groups.mutex);
    open_groups.states.erase(this);
  }
  {
    const std::lock_guard lock(mutex);
    closing = true;
  }
  changed.notify_all();
  if (watcher.joinable()) watcher.join();
  // Gloo's destructor waits for operations. Those of a failed group may never end, and nothing else
  // interrupts them.
  if (failure) processes.release();
  processes.reset();
  store.reset();
}

namespace {

class Running : public Group::Sum {
 public:
  Running(
      std::shared_ptr<Group::State> state,
      c10::intrusive_ptr<c10d::Work> work,
      std::vector<at::Tensor> values)
      : state_(std::move(state)), work_(std::move(work)), values_(std::move(values)) {}

  void wait() override { state_->wait(work_); }

 private:
  std::shared_ptr<Group::State> state_;
  c10::intrusive_ptr<c10d::Work> work_;
  std::vector<at::Tensor> values_;  // stay until the operation has ended
};

}  // namespace

Group::Group(const GroupOptions& options) : state_(std::make_shared<State>(options)) {
  state_->join();
}

Group::~Group() {
  state_->close();
}

int64_t Group::rank() const {
  return state_->options.rank;
}

int64_t Group::size() const {
  return state_->options.size;
}

std::unique_ptr<Group::Sum> Group::begin_sum(const at::Tensor& values) {
  std::vector<at::Tensor> tensors{values};
  auto work = state_->begin([&] { return state_->processes->allreduce(tensors); });
  return std::make_unique<Running>(state_, std::move(work), std::move(tensors));
}

void Group::broadcast(const at::Tensor& values) {
  std::vector<at::Tensor> tensors{values};
  state_->wait(state_->begin([&] { return state_->processes->broadcast(tensors); }));
}

std::vector<at::Tensor> Group::gather(const at::Tensor& bytes) {
  const auto all = [&](const at::Tensor& own) {
    std::vector<std::vector<at::Tensor>> parts(1);
    for (int64_t rank = 0; rank < size(); ++rank) parts[0].push_back(at::empty_like(own));
    std::vector<at::Tensor> input{own};
    state_->wait(state_->begin([&] { return state_->processes->allgather(parts, input); }));
    return parts[0];
  };
  std::vector<int64_t> lengths;
  for (const auto& length : all(at::full({1}, bytes.numel(), at::kLong)))
    lengths.push_back(length.item<int64_t>());
  // Gloo gathers equal lengths only, of at least one.
  const auto longest = std::max<int64_t>(1, *std::ranges::max_element(lengths));
  const auto padded = at::zeros({longest}, at::kByte);
  padded.slice(0, 0, bytes.numel()).copy_(bytes);
  auto parts = all(padded);
  for (size_t rank = 0; rank < parts.size(); ++rank)
    parts[rank] = parts[rank].slice(0, 0, lengths[rank]);
  return parts;
}

void Group::pass(const std::string& name) {
  state_->pass(name);
}

void Group::fail(const std::string& words) {
  state_->fail(words);
}

void Group::close_all() {
  std::set<State*> states;
  {
    const std::lock_guard lock(open_groups.mutex);
    states = open_groups.states;
  }
  for (auto* const state : states) state->close();
}

}  // namespace maskrcnn

#else

namespace maskrcnn {

struct Group::State {};

namespace {

[[noreturn]] void refuse() {
  throw GroupFailure(
      "This build of the addon has no c10d, so it cannot compute with several processes: its "
      "libtorch lacks the "
      "headers, or the system is Windows.");
}

}  // namespace

Group::Group(const GroupOptions&) {
  refuse();
}
Group::~Group() = default;
int64_t Group::rank() const {
  return 0;
}
int64_t Group::size() const {
  return 1;
}
std::unique_ptr<Group::Sum> Group::begin_sum(const at::Tensor&) {
  refuse();
}
void Group::broadcast(const at::Tensor&) {
  refuse();
}
std::vector<at::Tensor> Group::gather(const at::Tensor&) {
  refuse();
}
void Group::pass(const std::string&) {
  refuse();
}
void Group::fail(const std::string&) {}
void Group::close_all() {}

}  // namespace maskrcnn

#endif
