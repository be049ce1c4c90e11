#include "binding/worker/threads.h"

#include <ATen/Parallel.h>

#include <atomic>

namespace maskrcnn::binding {

namespace {

std::atomic<int> chosen{0};

}  // namespace

void set_default_threads(int count) {
  chosen = count;
}

int default_threads() {
  static const int libtorch_s = at::get_num_threads();
  const int count = chosen;
  return count > 0 ? count : libtorch_s;
}

// libtorch keeps the number for each thread, and hands the last number that any thread has set to
// threads that begin to compute. So every thread of ours sets its own.
void use_threads(int count) {
  if (at::get_num_threads() != count) at::set_num_threads(count);
}

}  // namespace maskrcnn::binding
