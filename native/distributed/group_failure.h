#pragma once

#include <stdexcept>

namespace maskrcnn {

// A group of processes cannot be joined, or cannot go on: a rank has ended, failed or hung. The
// message names it.
struct GroupFailure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace maskrcnn
