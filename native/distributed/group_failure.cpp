// How the ranks of a group find out, and agree on, why it has failed.
#ifdef MASKRCNN_HAS_GLOO

#include "distributed/group_failure.h"

#include <sstream>

#include "distributed/group_state.h"

namespace maskrcnn {

namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

std::string reason_of(const std::exception& error) {
  const auto* known = dynamic_cast<const c10::Error*>(&error);
  std::string text = known != nullptr ? known->what_without_backtrace() : error.what();
  text = text.substr(0, text.find('\n'));
  // Gloo begins with its source file, and ends with advice of which this is the first sentence.
  if (text.rfind("[/", 0) == 0 && text.find("] ") != std::string::npos)
    text = text.substr(text.find("] ") + 2);
  return text.substr(0, text.find(". This is typically caused"));
}

std::string reason_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& known) {
    return reason_of(known);
  } catch (...) {
    return "an unknown error";
  }
}

std::string describe(double seconds) {
  std::ostringstream text;
  if (seconds < 120) {
    text << seconds << " s";
  } else {
    text << seconds / 60 << " minutes";
  }
  return text.str();
}

std::string has_ended(const std::string& who) {
  return who + " has ended without a word, or cannot be reached any more";
}

std::string has_hung(const std::string& who, double seconds) {
  return who + " has kept the others waiting for longer than " + describe(seconds) +
         ", and does not answer: it is stopped, or cannot be reached";
}

std::string Group::State::who(int64_t rank) {
  const auto key = who_key(rank);
  const auto name = store.has(key) ? store.get(key) : "unknown";
  return "Rank " + std::to_string(rank) + " (" + name + ")";
}

// What is known if the store cannot be asked.
std::string Group::State::store_is_silent(const std::string& symptom) {
  const auto store_of = "group's store at " + options.address + ":" + std::to_string(options.port);
  const auto because = " (" + symptom + ").";
  std::optional<std::string> server;
  {
    const std::lock_guard lock(mutex);
    server = server_;
  }
  if (options.serves)
    return "The " + store_of + ", which this rank serves, does not answer" + because;
  return (server ? *server : "The process that serves the " + store_of) +
         " has ended without a word, is stopped, or cannot be reached any more: " +
         (server ? "the " + store_of + ", which it serves," : "the store") + " does not answer" +
         because;
}

// Whether the store says why the group has failed.
bool Group::State::learn_failure() {
  if (!store.has(kFailure)) return false;
  note(read_failure());
  return true;
}

// Why the group has failed, as the store says. Tells the rank that serves it that it may end.
std::string Group::State::read_failure() {
  auto words = store.get(kFailure);
  store.set(heard_key(options.rank), "1");
  return words;
}

// The store ends with the rank that serves it. So that rank stays until the others have heard why
// the group has failed, except those that have ended.
void Group::State::wait_until_heard() {
  if (!options.serves) return;
  const auto end = Clock::now() + kAnswer;
  try {
    for (int64_t rank = 0; rank < options.size && Clock::now() < end;) {
      if (rank == options.rank || store.has(heard_key(rank)) || store.has(silent_key(rank))) {
        ++rank;
      } else {
        std::this_thread::sleep_for(kLook);
      }
    }
  } catch (const StoreFailure&) {
    // Then nobody can hear it.
  }
}

// Tells all ranks why the group has failed, unless another one has. Returns what all say then.
std::string Group::State::tell(const std::string& words) {
  auto told = store.set_first(kFailure, words);
  store.set(heard_key(options.rank), "1");
  note(told);
  return told;
}

void Group::State::note(const std::string& words) {
  {
    const std::lock_guard lock(mutex);
    if (!failure) failure = words;
  }
  changed.notify_all();
}

// Which rank is the cause of a failed operation. Asks all ranks to answer: one that has ended does
// not, nor one that is stopped, and one that hangs has begun fewer operations than the others.
std::string Group::State::find_cause(const std::string& symptom, bool is_late) {
  const auto because = " (" + symptom + ").";
  store.set(kRollCall, "1");
  store.set(answer_key(options.rank), std::to_string(begun.load()));
  const auto end = Clock::now() + kAnswer;
  std::vector<int64_t> silent;
  do {
    if (learn_failure()) return *failure;
    silent.clear();
    for (int64_t rank = 0; rank < options.size; ++rank) {
      if (!store.has(answer_key(rank))) silent.push_back(rank);
    }
    std::this_thread::sleep_for(kLook);
  } while (Clock::now() < end);
  for (const auto rank : silent) store.set(silent_key(rank), "1");
  if (!silent.empty()) {
    const auto name = who(silent.front());
    return (is_late ? has_hung(name, options.timeout) : has_ended(name)) + because;
  }
  int64_t least = begun, last = options.rank;
  for (int64_t rank = 0; rank < options.size; ++rank) {
    const auto count = std::stoll(store.get(answer_key(rank)));
    if (count < least) {
      least = count;
      last = rank;
    }
  }
  if (last != options.rank) {
    return who(last) + " has kept the others waiting for longer than " + describe(options.timeout) +
           because;
  }
  return "The connections of the group have failed" + because;
}

// Finds the cause, tells it to all ranks and throws it.
void Group::State::give_up(const std::string& symptom, bool is_late) {
  require_whole();
  store.set_patience(kPatience);
  try {
    tell(find_cause(symptom, is_late));
  } catch (const std::exception&) {
    note(store_is_silent(symptom));
  }
  abort_device();
  const std::lock_guard lock(mutex);
  throw GroupFailure(*failure);
}

void Group::State::fail(const std::string& words) {
  const auto own = "Rank " + std::to_string(options.rank) + " has failed: " + words;
  store.set_patience(kPatience);
  try {
    if (learn_failure()) return;
    tell(who(options.rank) + " has failed: " + words);
  } catch (const std::exception&) {
    // Without the store the others find out by themselves.
  }
  note(own);
}

}  // namespace maskrcnn

#endif
