#include "stand_in/backend.h"

#ifdef MASKRCNN_HAS_GLOO

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "distributed/group_state.h"

namespace maskrcnn::stand_in {

namespace {

// Both threads find the group's watching thread running, in most of so many times.
constexpr int kTimes = 10;

std::shared_ptr<Group::State> alone(int64_t port, bool serves, const std::string& prefix) {
  return std::make_shared<Group::State>(
      GroupOptions{0, 1, "127.0.0.1", port, serves, prefix, "", 60, "here"});
}

}  // namespace

void close_twice(int64_t port) {
  const auto server = alone(port, /*serves=*/true, "server");
  server->store.open();
  for (int time = 0; time < kTimes; ++time) {
    const auto group = alone(port, /*serves=*/false, std::to_string(time));
    group->join();
    group->joining = false;
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

}  // namespace maskrcnn::stand_in

#else

namespace maskrcnn::stand_in {

void close_twice(int64_t) {}

}  // namespace maskrcnn::stand_in

#endif
