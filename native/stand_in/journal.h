#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace maskrcnn::stand_in {

// What was done to the stand-in since it was last asked. All functions may be called by any thread.
struct Journal {
  int64_t operators = 0;           // kernels that a GPU would have been given
  std::vector<std::string> waits;  // what would have made the program wait for it, in order
  int64_t replays = 0;             // of captured graphs
};

void note_operator();
void note_wait(const std::string& what);
void note_replay();

// What was noted, which begins anew.
Journal take_journal();

}  // namespace maskrcnn::stand_in
