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
  const std::string text = known != nullptr ? known->what_without_backtrace() : error.what();
  return text.substr(0, text.find('\n'));
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

// 0.5 s, 10 minutes
std::string describe(double seconds) {
  std::ostringstream text;
  if (seconds < 120) {
    text << seconds << " s";
  } else {
    text << seconds / 60 << " minutes";
  }
  return text.str();
}

std::string Group::State::who(int64_t rank) const {
  const auto key = who_key(rank);
  const auto name = store->check({key}) ? to_text(store->get(key)) : "unknown";
  return "Rank " + std::to_string(rank) + " (" + name + ")";
}

// Whether the store says why the group has failed.
bool Group::State::learn_failure() {
  if (!store->check({kFailure})) return false;
  note(read_failure());
  return true;
}

// Why the group has failed, as the store says. Tells the rank that serves it that it may end.
std::string Group::State::read_failure() {
  const auto words = to_text(store->get(kFailure));
  store->set(heard_key(options.rank), to_bytes("1"));
  return words;
}

// The store ends with the rank that serves it. So that rank stays until the others have heard why
// the group has failed, except those that have not answered a roll call.
void Group::State::wait_until_heard() {
  if (!options.serves) return;
  const auto is_silent = [&](int64_t rank) {
    return store->check({kRollCall}) && !store->check({answer_key(rank)});
  };
  const auto end = Clock::now() + kAnswer;
  for (int64_t rank = 0; rank < options.size && Clock::now() < end;) {
    if (rank == options.rank || store->check({heard_key(rank)}) || is_silent(rank)) {
      ++rank;
    } else {
      std::this_thread::sleep_for(kLook);
    }
  }
}

void Group::State::note(const std::string& words) {
  {
    const std::lock_guard lock(mutex);
    if (!failure) failure = words;
  }
  changed.notify_all();
}

// Which rank is the cause of a failed operation. Asks all ranks to answer: one that has ended does
// not, and one that hangs has begun fewer operations than the others.
std::string Group::State::find_cause(const std::string& symptom) {
  store->set(kRollCall, to_bytes("1"));
  store->set(answer_key(options.rank), to_bytes(std::to_string(begun.load())));
  const auto end = Clock::now() + kAnswer;
  std::vector<int64_t> silent;
  do {
    if (learn_failure()) return *failure;
    silent.clear();
    for (int64_t rank = 0; rank < options.size; ++rank) {
      if (!store->check({answer_key(rank)})) silent.push_back(rank);
    }
    std::this_thread::sleep_for(kLook);
  } while (Clock::now() < end);
  if (!silent.empty()) {
    return who(silent.front()) + " has ended without a word, or cannot be reached any more (" +
           symptom + ").";
  }
  int64_t least = begun, last = options.rank;
  for (int64_t rank = 0; rank < options.size; ++rank) {
    const auto count = std::stoll(to_text(store->get(answer_key(rank))));
    if (count < least) {
      least = count;
      last = rank;
    }
  }
  if (last != options.rank) {
    return who(last) + " has kept the others waiting for longer than " + describe(options.timeout) +
           " (" + symptom + ").";
  }
  return "The connections of the group have failed (" + symptom + ").";
}

// Finds the cause, tells it to all ranks and throws it.
void Group::State::give_up(const std::string& symptom) {
  std::string cause;
  try {
    cause = find_cause(symptom);
    cause = to_text(store->compareSet(kFailure, {}, to_bytes(cause)));
    note(cause);
    store->set(heard_key(options.rank), to_bytes("1"));
    wait_until_heard();
  } catch (const std::exception&) {
    cause = "The group's store at " + options.address + ":" + std::to_string(options.port) +
            " does not answer any more, and the connections have failed (" + symptom +
            "): the process that serves the store has ended.";
  }
  note(cause);
  abort_device();
  const std::lock_guard lock(mutex);
  throw GroupFailure(*failure);
}

void Group::State::fail(const std::string& words) {
  try {
    if (learn_failure()) return;
    store->compareSet(kFailure, {}, to_bytes(who(options.rank) + " has failed: " + words));
    wait_until_heard();
  } catch (const std::exception&) {
    // Without the store the others find out by themselves.
  }
  note("Rank " + std::to_string(options.rank) + " has failed: " + words);
}

}  // namespace maskrcnn

#endif
