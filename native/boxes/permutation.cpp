#include "boxes/permutation.h"

#include <ATen/CPUGeneratorImpl.h>

#include <limits>
#include <mutex>
#include <unordered_map>

namespace maskrcnn {

namespace {

// at::randperm uses another algorithm from this size on (ATen native/TensorFactories.cpp,
// randperm_cpu).
constexpr int64_t kMost = std::numeric_limits<uint32_t>::max() / 20;

// The sequence 0, 1, 2, …. Stores only the values that have left their places.
class Shuffled {
 public:
  int64_t operator[](int64_t place) const {
    const auto found = moved_.find(place);
    return found == moved_.end() ? place : found->second;
  }
  void set(int64_t place, int64_t value) { moved_[place] = value; }

 private:
  std::unordered_map<int64_t, int64_t> moved_;
};

}  // namespace

at::Tensor first_of_permutation(int64_t total, int64_t count, at::Generator& generator) {
  TORCH_CHECK(
      count <= total && total < kMost, "there is no sample of ", count, " among ", total, " boxes");
  auto* const source = at::check_generator<at::CPUGeneratorImpl>(generator);
  const std::lock_guard lock(source->mutex_);
  auto engine = source->engine();
  auto first = at::empty({count}, at::kLong);
  auto* const values = first.mutable_data_ptr<int64_t>();
  Shuffled shuffled;
  for (int64_t place = 0; place < count; ++place) {
    // The last of all values has no other value to swap with, so it draws no number.
    const auto other = place + 1 < total ? place + engine() % (total - place) : place;
    values[place] = shuffled[other];
    shuffled.set(other, shuffled[place]);
  }
  for (int64_t place = count; place + 1 < total; ++place) engine();
  source->set_engine(engine);
  return first;
}

}  // namespace maskrcnn
