#include "distributed/group.h"

#ifdef MASKRCNN_HAS_GLOO

#include <algorithm>
#include <chrono>
#include <exception>
#include <map>
#include <mutex>
#include <utility>

#include "distributed/group_state.h"

namespace maskrcnn {

namespace {

// The groups of this process that are open, and their owners.
struct OpenGroups {
  std::mutex mutex;
  std::map<std::shared_ptr<Group::State>, const void*> owners;
};

OpenGroups open_groups;

void forget(const std::shared_ptr<Group::State>& state) {
  {
    const std::lock_guard lock(open_groups.mutex);
    open_groups.owners.erase(state);
  }
  state->close(/*process_ends=*/false);
}

class Running : public Group::Sum {
 public:
  Running(
      std::shared_ptr<Group::State> state,
      c10::intrusive_ptr<c10d::Work> work,
      std::vector<at::Tensor> values)
      : state_(std::move(state)), work_(std::move(work)), values_(std::move(values)) {}

  void wait() override { state_->wait(work_, values_.front().device(), began_); }

 private:
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::shared_ptr<Group::State> state_;
  c10::intrusive_ptr<c10d::Work> work_;
  std::vector<at::Tensor> values_;  // stay until the operation has ended
};

}  // namespace

Group::Group(const GroupOptions& options, const void* owner)
    : state_(std::make_shared<State>(options)) {
  const std::lock_guard lock(open_groups.mutex);
  open_groups.owners.emplace(state_, owner);
}

void Group::join() {
  std::exception_ptr error;
  try {
    state_->join();
  } catch (...) {
    error = std::current_exception();
  }
  {
    const std::lock_guard lock(state_->mutex);
    state_->joining = false;
    if (state_->closing && !error)
      error = std::make_exception_ptr(GroupFailure("The group is closed."));
  }
  if (!error) return;
  forget(state_);
  std::rethrow_exception(error);
}

Group::~Group() {
  forget(state_);
}

void Group::use_device(at::Device device) {
  state_->use_device(device);
}

int64_t Group::rank() const {
  return state_->options.rank;
}

int64_t Group::size() const {
  return state_->options.size;
}

std::unique_ptr<Group::Sum> Group::begin_sum(const at::Tensor& values) {
  std::vector<at::Tensor> tensors{values};
  auto work = state_->begin(values, [&](auto& backend) { return backend.allreduce(tensors); });
  return std::make_unique<Running>(state_, std::move(work), std::move(tensors));
}

void Group::broadcast(const at::Tensor& values) {
  std::vector<at::Tensor> tensors{values};
  const auto work =
      state_->begin(values, [&](auto& backend) { return backend.broadcast(tensors); });
  state_->wait(work, values.device());
}

at::Tensor Group::gather_rows(const at::Tensor& values) {
  const auto all = at::empty({size(), values.numel()}, values.options());
  std::vector<std::vector<at::Tensor>> rows{all.unbind()};
  std::vector<at::Tensor> own{values};
  const auto work =
      state_->begin(values, [&](auto& backend) { return backend.allgather(rows, own); });
  state_->wait(work, values.device());
  return all;
}

std::vector<at::Tensor> Group::gather(const at::Tensor& bytes) {
  const auto lengths = gather_rows(at::full({1}, bytes.numel(), at::kLong));
  // Gloo gathers at least one.
  const auto longest = std::max<int64_t>(1, lengths.max().item<int64_t>());
  const auto padded = at::zeros({longest}, at::kByte);
  padded.slice(0, 0, bytes.numel()).copy_(bytes);
  auto parts = gather_rows(padded).unbind();
  for (size_t rank = 0; rank < parts.size(); ++rank)
    parts[rank] = parts[rank].slice(0, 0, lengths.const_data_ptr<int64_t>()[rank]);
  return parts;
}

void Group::pass(const std::string& name) {
  state_->pass(name);
}

void Group::fail(const std::string& words) {
  state_->fail(words);
}

void Group::close_all(const void* owner, bool process_ends) {
  std::vector<std::shared_ptr<State>> states;
  {
    const std::lock_guard lock(open_groups.mutex);
    for (const auto& [state, its_owner] : open_groups.owners)
      if (its_owner == owner) states.push_back(state);
    for (const auto& state : states) open_groups.owners.erase(state);
  }
  for (const auto& state : states) state->close(process_ends);
}

}  // namespace maskrcnn

#else

namespace maskrcnn {

struct Group::State {};

namespace {

[[noreturn]] void refuse() {
  throw GroupFailure(
      "This build of the addon has no c10d, so it cannot compute with several processes: its "
      "libtorch lacks the "
      "headers, or the system is Windows.");
}

}  // namespace

Group::Group(const GroupOptions&, const void*) {}
Group::~Group() = default;
void Group::join() {
  refuse();
}
void Group::use_device(at::Device) {
  refuse();
}
int64_t Group::rank() const {
  return 0;
}
int64_t Group::size() const {
  return 1;
}
std::unique_ptr<Group::Sum> Group::begin_sum(const at::Tensor&) {
  refuse();
}
void Group::broadcast(const at::Tensor&) {
  refuse();
}
at::Tensor Group::gather_rows(const at::Tensor&) {
  refuse();
}
std::vector<at::Tensor> Group::gather(const at::Tensor&) {
  refuse();
}
void Group::pass(const std::string&) {
  refuse();
}
void Group::fail(const std::string&) {}
void Group::close_all(const void*, bool) {}

}  // namespace maskrcnn

#endif
