#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

namespace maskrcnn::memory {

// Which parts of a range of memory are taken. Counts offsets alone and touches nothing; for one
// thread at a time.
class BlockPool {
 public:
  // Over a range of `capacity` bytes.
  explicit BlockPool(size_t capacity) { add_free(0, capacity); }

  // The offset of a part of `size` > 0 bytes: in the smallest free part that has as many, the
  // lowest of equals. None where there is no such part.
  std::optional<size_t> take(size_t size);
  // The offset of a taken part. With free parts on either side it becomes one.
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
