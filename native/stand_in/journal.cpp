#include "stand_in/journal.h"

#include <mutex>
#include <utility>

namespace maskrcnn::stand_in {

namespace {

std::mutex mutex;
Journal journal;

}  // namespace

void note_operator() {
  const std::lock_guard lock(mutex);
  ++journal.operators;
}

void note_wait(const std::string& what) {
  const std::lock_guard lock(mutex);
  journal.waits.push_back(what);
}

void note_replay() {
  const std::lock_guard lock(mutex);
  ++journal.replays;
}

Journal take_journal() {
  const std::lock_guard lock(mutex);
  return std::exchange(journal, {});
}

}  // namespace maskrcnn::stand_in
