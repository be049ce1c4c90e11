#pragma once

#include <cstdint>

namespace maskrcnn::binding {

constexpr int64_t kMostThreads = 4096;

// The number of threads that libtorch's operators use where a caller asks for no other number. It
// is libtorch's own until it is set.
void set_default_threads(int count);
int default_threads();

// From now on, the operators that this thread calls use `count` threads, itself included.
void use_threads(int count);

}  // namespace maskrcnn::binding
