#ifdef MASKRCNN_HAS_GLOO

#include "distributed/group_store.h"

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

#include "distributed/group_failure.h"
#include "old_linux.h"

namespace maskrcnn {

namespace {

// How often a caller looks whether it still has to wait, and a store whether a key is there.
constexpr std::chrono::milliseconds kCheck{20};

std::vector<uint8_t> bytes_of(const std::string& text) {
  return {text.begin(), text.end()};
}

std::string text_of(const std::vector<uint8_t>& bytes) {
  return {bytes.begin(), bytes.end()};
}

}  // namespace

struct GroupStore::State {
  struct Question {
    std::function<void(c10d::Store&)> ask;
    bool answered = false;
    std::exception_ptr error;
  };

  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::shared_ptr<Question>> questions;
  std::chrono::milliseconds patience{};
  bool closed = false;
  bool ended = false;  // the thread

  void answer(const std::function<Store()>& open);
  void wait(const Question& question);
};

// The thread: opens the store and answers one question after the other.
void GroupStore::State::answer(const std::function<Store()>& open) {
  Store store;
  std::unique_lock lock(mutex);
  for (;;) {
    changed.wait(lock, [&] { return closed || !questions.empty(); });
    if (closed) break;
    const auto question = std::move(questions.front());
    questions.pop_front();
    lock.unlock();
    std::exception_ptr error;
    try {
      if (!store) store = open();
      question->ask(*store);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    question->error = error;
    question->answered = true;
    changed.notify_all();
  }
  lock.unlock();
  store.reset();
  lock.lock();
  ended = true;
  changed.notify_all();
}

void GroupStore::State::wait(const Question& question) {
  const auto began = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex);
  while (!question.answered) {
    if (closed) throw StoreFailure("the store is closed");
    if (std::chrono::steady_clock::now() - began > patience) throw StoreFailure("no answer");
    // Not by the steady clock, which needs a newer glibc.
    changed.wait_until(lock, std::chrono::system_clock::now() + kCheck);
  }
  if (!question.error) return;
  try {
    std::rethrow_exception(question.error);
  } catch (const GroupFailure&) {
    throw;
  } catch (...) {
    throw StoreFailure(reason_of(question.error));
  }
}

GroupStore::GroupStore(std::function<Store()> open, std::chrono::milliseconds patience)
    : state_(std::make_shared<State>()) {
  state_->patience = patience;
  std::thread([state = state_, open = std::move(open)] { state->answer(open); }).detach();
}

GroupStore::~GroupStore() {
  close();
  // It ends at once, unless it waits for an answer.
  std::unique_lock lock(state_->mutex);
  const auto end = std::chrono::system_clock::now() + std::chrono::milliseconds(100);
  state_->changed.wait_until(lock, end, [&] { return state_->ended; });
}

void GroupStore::ask(std::function<void(c10d::Store&)> ask) {
  const auto question = std::make_shared<State::Question>();
  question->ask = std::move(ask);
  {
    const std::lock_guard lock(state_->mutex);
    state_->questions.push_back(question);
  }
  state_->changed.notify_all();
  state_->wait(*question);
}

void GroupStore::open() {
  ask([](c10d::Store&) {});
}

// What an answer is written to must outlive a caller that has given up.

bool GroupStore::has(const std::string& key) {
  const auto found = std::make_shared<bool>();
  ask([=](c10d::Store& store) { *found = store.check({key}); });
  return *found;
}

std::string GroupStore::get(const std::string& key) {
  const auto value = std::make_shared<std::string>();
  ask([=](c10d::Store& store) { *value = text_of(store.get(key)); });
  return *value;
}

void GroupStore::set(const std::string& key, const std::string& value) {
  ask([=](c10d::Store& store) { store.set(key, bytes_of(value)); });
}

std::string GroupStore::set_first(const std::string& key, const std::string& value) {
  const auto after = std::make_shared<std::string>();
  ask([=](c10d::Store& store) { *after = text_of(store.compareSet(key, {}, bytes_of(value))); });
  return *after;
}

int64_t GroupStore::add(const std::string& key, int64_t number) {
  const auto sum = std::make_shared<int64_t>();
  ask([=](c10d::Store& store) { *sum = store.add(key, number); });
  return *sum;
}

void GroupStore::set_patience(std::chrono::milliseconds patience) {
  const std::lock_guard lock(state_->mutex);
  state_->patience = patience;
}

void GroupStore::close() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->closed = true;
  }
  state_->changed.notify_all();
}

std::vector<uint8_t> WatchedStore::get(const std::string& key) {
  wait({key});
  return PrefixStore::get(key);
}

std::vector<std::vector<uint8_t>> WatchedStore::multiGet(const std::vector<std::string>& keys) {
  wait(keys);
  return PrefixStore::multiGet(keys);
}

void WatchedStore::wait(const std::vector<std::string>& keys) {
  wait(keys, getTimeout());
}

void WatchedStore::wait(
    const std::vector<std::string>& keys, const std::chrono::milliseconds& timeout) {
  const auto end = std::chrono::steady_clock::now() + timeout;
  while (!check(keys)) {
    require_();
    if (std::chrono::steady_clock::now() > end)
      throw std::runtime_error("another rank has not said where it listens");
    std::this_thread::sleep_for(kCheck);
  }
}

}  // namespace maskrcnn

#endif
