#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace maskrcnn::stand_in {

// What was done to the stand-in since the last take_journal(). All functions are thread-safe.
struct Journal {
  struct Wait {
    std::string what;
    int64_t ahead;  // operators that the GPU still has to run when the program goes on
  };
  int64_t operators = 0;    // kernels that a GPU would have run
  std::vector<Wait> waits;  // the events at which the program would have waited for a GPU, in order
  int64_t replays = 0;      // of captured graphs
};

void note_operator();
// Records a wait until the first `operators` operators of the process are done.
void note_wait(const std::string& what, int64_t operators);
void note_replay();

// Operators since the process began.
int64_t operators_so_far();

// Returns the journal and starts a new one.
Journal take_journal();

}  // namespace maskrcnn::stand_in
