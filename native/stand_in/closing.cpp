// Closes groups at moments that JavaScript cannot choose.
#include "stand_in/backend.h"

#ifdef MASKRCNN_HAS_GLOO

#include <ATen/ops/ones.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "distributed/group_state.h"

namespace maskrcnn::stand_in {

namespace {

// Both threads find the group's watching thread running, in most of so many times.
constexpr int kTimes = 10;

std::shared_ptr<Group::State> member(
    int64_t rank, int64_t size, int64_t port, bool serves, const std::string& prefix) {
  return std::make_shared<Group::State>(
      GroupOptions{rank, size, "127.0.0.1", port, serves, prefix, "", 60, "here"});
}

// As Group::join().
void join(Group::State& group) {
  group.join();
  group.joining = false;
}

class Completed final : public c10d::Work {
 public:
  Completed() { future_->markCompleted(); }
  bool isCompleted() override { return false; }
  c10::intrusive_ptr<c10::ivalue::Future> getFuture() override { return future_; }

 private:
  c10::intrusive_ptr<c10::ivalue::Future> future_ =
      c10::make_intrusive<c10::ivalue::Future>(c10::NoneType::get());
};

}  // namespace

void close_twice(int64_t port) {
  const auto server = member(0, 1, port, /*serves=*/true, "server");
  server->store.open();
  for (int time = 0; time < kTimes; ++time) {
    const auto group = member(0, 1, port, /*serves=*/false, std::to_string(time));
    join(*group);
    std::atomic<bool> go{false};
    const auto close = [&] {
      while (!go) std::this_thread::yield();
      group->close(/*process_ends=*/false);
    };
    std::thread one(close), other(close);
    go = true;
    one.join();
    other.join();
  }
}

std::string close_after_end(int64_t port) {
  const auto group = member(0, 1, port, /*serves=*/true, "end");
  join(*group);
  const auto values = at::ones({1});
  const auto work = group->begin(values, [](auto&) { return c10::make_intrusive<Completed>(); });
  group->wait(work, values.device());
  group->close(/*process_ends=*/false);
  return group->failure.value_or("");
}

std::string close_while_beginning(int64_t port) {
  const auto first = member(0, 2, port, /*serves=*/true, "beginning");
  const auto second = member(1, 2, port, /*serves=*/false, "beginning");
  std::promise<void> begins, is_closed;
  const auto sum = [](Group::State& group, const std::function<void()>& before) -> std::string {
    const auto values = at::ones({1});
    std::vector<at::Tensor> tensors{values};
    try {
      const auto work = group.begin(values, [&](auto& backend) {
        before();
        return backend.allreduce(tensors);
      });
      group.wait(work, values.device());
      return "";
    } catch (const GroupFailure& error) {
      return error.what();
    }
  };
  auto joining = std::async(std::launch::async, [&] { join(*second); });
  join(*first);
  joining.get();
  auto others = std::async(std::launch::async, sum, std::ref(*second), [] {});
  auto own = std::async(std::launch::async, sum, std::ref(*first), [&] {
    begins.set_value();
    is_closed.get_future().wait();
  });
  begins.get_future().wait();
  first->close(/*process_ends=*/false);
  const auto heard = others.get();
  // Not before: both operations would end.
  is_closed.set_value();
  own.wait();
  second->close(/*process_ends=*/false);
  return heard;
}

}  // namespace maskrcnn::stand_in

#else

#include "distributed/group_failure.h"

namespace maskrcnn::stand_in {

namespace {

// Not silence, which a test would take for success.
[[noreturn]] void refuse() {
  throw GroupFailure("This build has no Gloo.");
}

}  // namespace

void close_twice(int64_t) {
  refuse();
}

std::string close_after_end(int64_t) {
  refuse();
}

std::string close_while_beginning(int64_t) {
  refuse();
}

}  // namespace maskrcnn::stand_in

#endif
