#pragma once

#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <vector>

#include "distributed/device_backend.h"
#include "distributed/group.h"
#include "distributed/group_store.h"

namespace maskrcnn {

// How often a rank looks for news of the others.
inline constexpr std::chrono::milliseconds kLook{100};
// How long a rank that still runs may take to answer, or to say why it ends.
inline constexpr std::chrono::milliseconds kAnswer{1500};
// How often a rank shows that it runs, and after what time without that sign it does not. This only
// counts while the ranks connect, and with GPUs: connecting, and NCCL, may wait for a rank that has
// ended.
inline constexpr std::chrono::milliseconds kBeat{500};
inline constexpr std::chrono::milliseconds kSilence{2500};
// How long the store may take to answer once the group has failed.
inline constexpr std::chrono::milliseconds kPatience{3000};
// How often a rank looks whether its GPU has ended an operation.
inline constexpr std::chrono::microseconds kPoll{50};

// Keys of the store.
inline constexpr const char* kFailure = "failure";     // why the group has failed
inline constexpr const char* kRollCall = "roll call";  // asks all ranks to answer
inline constexpr const char* kSize = "size";      // number of processes, as the first rank says
inline constexpr const char* kServed = "served";  // that rank 0 serves the store
inline constexpr const char* kConnected = "connected";  // number of ranks that are connected
inline std::string claim_key(int64_t rank) {            // which member the rank belongs to
  return "claim/" + std::to_string(rank);
}
inline std::string who_key(int64_t rank) {
  return "who/" + std::to_string(rank);
}
inline std::string answer_key(int64_t rank) {
  return "answer/" + std::to_string(rank);
}
inline std::string silent_key(int64_t rank) {
  return "silent/" + std::to_string(rank);
}
inline std::string heard_key(int64_t rank) {
  return "heard/" + std::to_string(rank);
}
inline std::string beat_key(int64_t rank) {
  return "beat/" + std::to_string(rank);
}

// "0.5 s", "10 minutes"
std::string describe(double seconds);

// What is said of a rank that has ended, and of one that is stopped; without a full stop.
std::string has_ended(const std::string& who);
std::string has_hung(const std::string& who, double seconds);

// A group as its member sees it. All members work on the same store: who they are, and why the
// group has failed.
struct Group::State : std::enable_shared_from_this<Group::State> {
  explicit State(const GroupOptions& given);

  const GroupOptions options;
  GroupStore store;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> processes;  // for tensors of the CPU
  c10::intrusive_ptr<c10d::Backend> on_device;  // for those of the rank's GPU, if it has one
  std::thread watcher;

  std::mutex mutex;
  std::condition_variable changed;  // an operation has ended, or one of the following
  std::optional<std::string> failure;
  bool joining = true;
  bool closing = false;
  bool was_whole = false;         // had not failed when closing began
  bool closed = false;            // a thread takes the group apart, or has done so
  std::atomic<int64_t> begun{0};  // number of operations that this rank has begun
  int64_t beginning = 0;          // number of those that are not in `under_way` yet
  // An operation, kept until this rank has seen that it has ended. A backend may keep none, or only
  // a copy.
  struct Operation {
    c10::intrusive_ptr<c10d::Work> work;
    bool is_on_cpu;
  };
  std::vector<Operation> under_way;

  void join();
  void use_device(at::Device device);
  // Begins an operation on `values` with the backend for them.
  c10::intrusive_ptr<c10d::Work> begin(
      const at::Tensor& values,
      const std::function<c10::intrusive_ptr<c10d::Work>(c10d::Backend&)>& operation);
  void wait(
      const c10::intrusive_ptr<c10d::Work>& work,
      at::Device device,
      std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now());
  void pass(const std::string& name);
  void fail(const std::string& words);
  // Ends all waiting. A group that has joined is then taken apart, once its watcher has ended.
  // Operations that are under way are left behind. See Group::close_all().
  void close(bool process_ends);

 private:
  class Beginning;
  // What a rank has seen of the others.
  struct Watch {
    bool has_answered = false;  // the roll call
    std::chrono::steady_clock::time_point next_beat;
    int64_t beats = 0;   // of the next rank
    int64_t silent = 0;  // how often that number had not changed
  };

  void introduce();
  void await_all();
  void connect();
  void await_connected();
  void run_unless_failed(std::function<void()> work);
  void watch();
  std::optional<std::string> look(Watch& watch);
  void require_whole();
  void drop_ended();
  void wait_on_device(
      const c10::intrusive_ptr<c10d::Work>& work, std::chrono::steady_clock::time_point began);
  void abort_device();
  bool is_late(std::chrono::steady_clock::time_point began) const;
  std::string who(int64_t rank);
  std::string store_is_silent(const std::string& symptom);
  std::string find_cause(const std::string& symptom, bool is_late);
  bool learn_failure();
  std::string read_failure();
  void wait_until_heard();
  c10::intrusive_ptr<c10d::Backend> backend_of(const at::Tensor& values);
  void note(const std::string& words);
  std::string tell(const std::string& words);
  [[noreturn]] void give_up(const std::string& symptom, bool is_late = false);
  std::chrono::milliseconds timeout() const {
    return std::chrono::milliseconds(std::llround(options.timeout * 1000));
  }

  std::optional<std::string> server_;  // the name of rank 0, if it serves the store
  // Whether silence means that a rank has ended.
  std::atomic<bool> is_silence_an_end_{true};
  std::atomic<bool> aborted_{false};
};

// While this lives, an operation counts as one that this rank begins: if the group is closed, the
// others are told.
class Group::State::Beginning {
 public:
  explicit Beginning(State& of);
  ~Beginning();
  Beginning(const Beginning&) = delete;
  Beginning& operator=(const Beginning&) = delete;

  // From now on it counts as under way instead.
  void end(const c10::intrusive_ptr<c10d::Work>& work, at::Device device);

 private:
  State& state_;
  bool is_over_ = false;
};

}  // namespace maskrcnn
