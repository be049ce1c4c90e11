#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace maskrcnn::stand_in {

// What was done to the stand-in since it was last asked. All functions may be called by any thread.
struct Journal {
  struct Wait {
    std::string what;
    int64_t ahead;  // operators that the GPU still has to run when the program goes on
  };
  int64_t operators = 0;    // kernels that a GPU would have been given
  std::vector<Wait> waits;  // what would have made the program wait for it, in order
  int64_t replays = 0;      // of captured graphs
};

void note_operator();
// Of what is done with the first `operators` of all.
void note_wait(const std::string& what, int64_t operators);
void note_replay();

// Operators that were noted since the process began.
int64_t operators_so_far();

// What was noted, which begins anew.
Journal take_journal();

}  // namespace maskrcnn::stand_in
