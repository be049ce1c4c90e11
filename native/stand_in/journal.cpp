#include "stand_in/journal.h"

#include <mutex>
#include <utility>

namespace maskrcnn::stand_in {

namespace {

std::mutex mutex;
Journal journal;
int64_t taken = 0;  // operators in earlier journals

}  // namespace

void note_operator() {
  const std::lock_guard lock(mutex);
  ++journal.operators;
}

void note_wait(const std::string& what, int64_t operators) {
  const std::lock_guard lock(mutex);
  journal.waits.push_back({what, taken + journal.operators - operators});
}

void note_replay() {
  const std::lock_guard lock(mutex);
  ++journal.replays;
}

int64_t operators_so_far() {
  const std::lock_guard lock(mutex);
  return taken + journal.operators;
}

Journal take_journal() {
  const std::lock_guard lock(mutex);
  taken += journal.operators;
  return std::exchange(journal, {});
}

}  // namespace maskrcnn::stand_in
