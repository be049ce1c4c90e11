#pragma once

#include <exception>
#include <stdexcept>
#include <string>

namespace maskrcnn {

// A group of processes cannot be joined, or cannot go on: a rank has ended, failed or hung. The
// message names it.
struct GroupFailure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The first line of what an exception says.
std::string reason_of(const std::exception& error);
std::string reason_of(const std::exception_ptr& error);

}  // namespace maskrcnn
