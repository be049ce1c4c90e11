#pragma once

#include <cstdint>

namespace maskrcnn::stand_in {

// From now on, each operation of a group on the device waits for so long before it begins. A
// backend that is freed meanwhile ends the process.
void delay_operations(int64_t milliseconds);

// Closes a group of one process on two threads at the same time, several times. Serves its store at
// `port` of this machine. Throws GroupFailure.
void close_twice(int64_t port);

}  // namespace maskrcnn::stand_in
