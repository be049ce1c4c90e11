#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace maskrcnn::ops {

// Sets of numbers that are joined until they are the connected parts of something (union-find). The
// root of a set is its smallest number.
class DisjointSets {
 public:
  // The number of a new set.
  int32_t add() {
    parents_.push_back(size());
    return parents_.back();
  }

  int32_t root(int32_t number) {
    while (parents_[number] != number) number = parents_[number] = parents_[parents_[number]];
    return number;
  }

  // The root of the set that both are in from now on.
  int32_t join(int32_t a, int32_t b) {
    const auto [root_a, root_b] = std::minmax({root(a), root(b)});
    parents_[root_b] = root_a;
    return root_a;
  }

  // How many numbers there are, in all sets.
  int32_t size() const { return static_cast<int32_t>(parents_.size()); }

 private:
  std::vector<int32_t> parents_;
};

}  // namespace maskrcnn::ops
