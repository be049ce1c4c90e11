#pragma once

#include <atomic>
#include <chrono>
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

namespace maskrcnn {

// How often a rank looks for news of the others.
inline constexpr std::chrono::milliseconds kLook{100};
// How long a rank that still runs may take to answer, or to say why it ends.
inline constexpr std::chrono::milliseconds kAnswer{1500};
// How often a rank of a group with GPUs shows that it runs, and after what time without that sign
// it does not. NCCL itself may wait for a rank that has ended.
inline constexpr std::chrono::milliseconds kBeat{500};
inline constexpr std::chrono::milliseconds kSilence{2500};
// How often a rank looks whether its GPU has ended an operation.
inline constexpr std::chrono::microseconds kPoll{50};

// Keys of the store.
inline constexpr const char* kFailure = "failure";     // why the group has failed
inline constexpr const char* kRollCall = "roll call";  // asks all ranks to answer
inline std::string who_key(int64_t rank) {
  return "who/" + std::to_string(rank);
}
inline std::string answer_key(int64_t rank) {
  return "answer/" + std::to_string(rank);
}
inline std::string heard_key(int64_t rank) {
  return "heard/" + std::to_string(rank);
}
inline std::string beat_key(int64_t rank) {
  return "beat/" + std::to_string(rank);
}

inline std::vector<uint8_t> to_bytes(const std::string& text) {
  return {text.begin(), text.end()};
}

inline std::string to_text(const std::vector<uint8_t>& bytes) {
  return {bytes.begin(), bytes.end()};
}

// The first line of what an exception says.
std::string reason_of(const std::exception& error);
std::string reason_of(const std::exception_ptr& error);

// "0.5 s", "10 minutes"
std::string describe(double seconds);

// A group as its member sees it. All members work on the same store: who they are, and why the
// group has failed.
struct Group::State : std::enable_shared_from_this<Group::State> {
  explicit State(const GroupOptions& given) : options(given) {}

  const GroupOptions options;
  c10::intrusive_ptr<c10d::Store> store;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> processes;  // for tensors of the CPU
  c10::intrusive_ptr<c10d::Backend> on_device;  // for those of the rank's GPU, if it has one
  std::thread watcher;

  std::mutex mutex;
  std::condition_variable changed;  // an operation has ended, or one of the following
  std::optional<std::string> failure;
  bool closing = false;
  std::atomic<int64_t> begun{0};  // number of operations that this rank has begun

  void join();
  void use_device(at::Device device);
  c10d::Backend& backend_of(const at::Tensor& values);
  c10::intrusive_ptr<c10d::Work> begin(
      const std::function<c10::intrusive_ptr<c10d::Work>()>& operation);
  void wait(const c10::intrusive_ptr<c10d::Work>& work, at::Device device);
  void pass(const std::string& name);
  void fail(const std::string& words);
  void close();

 private:
  // When each rank was last heard, and its number of beats then.
  struct Heard {
    std::chrono::steady_clock::time_point at;
    int64_t beats = -1;
  };

  c10::intrusive_ptr<c10d::Store> open_store(bool serves) const;
  void await_all();
  void watch();
  void require_whole();
  void wait_on_device(const c10::intrusive_ptr<c10d::Work>& work);
  bool listen(std::vector<Heard>& heard);
  void abort_device();
  std::string who(int64_t rank) const;
  std::string find_cause(const std::string& symptom);
  bool learn_failure();
  std::string read_failure();
  void wait_until_heard();
  void note(const std::string& words);
  [[noreturn]] void give_up(const std::string& symptom);
  std::chrono::milliseconds timeout() const {
    return std::chrono::milliseconds(std::llround(options.timeout * 1000));
  }

  std::atomic<bool> beats_{false};  // whether the others may listen for this rank
  std::atomic<bool> aborted_{false};
};

}  // namespace maskrcnn
