#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

namespace maskrcnn::memory {

// Keeps track of which parts of a memory range are in use. Only computes with offsets and never
// touches the memory. Not thread-safe.
class BlockPool {
 public:
  // For a range of `capacity` bytes.
  explicit BlockPool(size_t capacity) { add_free(0, capacity); }

  // Takes a part of `size` > 0 bytes and returns its offset. Uses the smallest free part that is
  // large enough, and of equal ones the lowest. None if there is no such part.
  std::optional<size_t> take(size_t size);
  // Frees the taken part at `offset` and merges it with free neighbours.
  void give_back(size_t offset);

  const std::map<size_t, size_t>& free_parts() const { return free_; }  // offset -> size

 private:
  using FreePart = std::map<size_t, size_t>::iterator;

  void add_free(size_t offset, size_t size);
  void remove_free(FreePart part);

  std::map<size_t, size_t> free_;
  std::set<std::pair<size_t, size_t>> free_by_size_;  // size, offset
  std::unordered_map<size_t, size_t> taken_;          // offset -> size
};

}  // namespace maskrcnn::memory
