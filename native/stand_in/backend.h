#pragma once

#include <cstdint>
#include <string>

namespace maskrcnn::stand_in {

// Numbers of a group's operations on the device, of this process.
struct Operations {
  int64_t held, begun;
};
Operations operations();
// From now on until this is called with false, operations are held before they begin. A backend
// that is freed meanwhile ends the process.
void hold_operations(bool is_held);

// The following serve the store of their groups at `port` of this machine. They throw GroupFailure.

// Closes a group of one process on two threads at the same time, several times.
void close_twice(int64_t port);
// Closes a group of one process after an operation on the CPU whose future is completed, and whose
// work has still to say that it has ended, as with Gloo. Returns why the group has failed, or "".
std::string close_after_end(int64_t port);
// Closes rank 0 of two while an operation on the CPU begins. Returns what rank 1 hears.
std::string close_while_beginning(int64_t port);

}  // namespace maskrcnn::stand_in
