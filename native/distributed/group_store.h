#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <utility>
#include <vector>

namespace maskrcnn {

struct StoreFailure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The store of a group, which a thread of its own asks. c10d's store waits for an answer without
// end if the process that serves it is stopped, and its time-out for connecting is a guess. Here
// every call ends: it throws StoreFailure if the store fails, or does not answer within `patience`.
class GroupStore {
 public:
  using Store = c10::intrusive_ptr<c10d::Store>;

  // `open` is called by the thread, at the first call. A GroupFailure of it is thrown as such.
  GroupStore(std::function<Store()> open, std::chrono::milliseconds patience);
  // Leaves the thread behind if it waits for an answer.
  ~GroupStore();
  GroupStore(const GroupStore&) = delete;
  GroupStore& operator=(const GroupStore&) = delete;

  // Waits until the store is there.
  void open();
  bool has(const std::string& key);
  // Of a key that is there.
  std::string get(const std::string& key);
  void set(const std::string& key, const std::string& value);
  // Sets a key that is not there yet. Returns what it is then.
  std::string set_first(const std::string& key, const std::string& value);
  // Returns the sum of all numbers that were added.
  int64_t add(const std::string& key, int64_t number);

  // From now on, for calls that have begun as well.
  void set_patience(std::chrono::milliseconds patience);
  // All calls end at once, now and from now on.
  void close();

 private:
  struct State;
  void ask(std::function<void(c10d::Store&)> question);

  std::shared_ptr<State> state_;
};

// A store whose waiting ends when `require` throws, which it calls again and again.
class WatchedStore : public c10d::PrefixStore {
 public:
  WatchedStore(
      std::string prefix, c10::intrusive_ptr<c10d::Store> store, std::function<void()> require)
      : PrefixStore(std::move(prefix), std::move(store)), require_(std::move(require)) {}

  std::vector<uint8_t> get(const std::string& key) override;
  std::vector<std::vector<uint8_t>> multiGet(const std::vector<std::string>& keys) override;
  void wait(const std::vector<std::string>& keys) override;
  void wait(
      const std::vector<std::string>& keys, const std::chrono::milliseconds& timeout) override;

 private:
  std::function<void()> require_;
};

}  // namespace maskrcnn
