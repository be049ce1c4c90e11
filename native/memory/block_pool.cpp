#include "memory/block_pool.h"

#include <iterator>

namespace maskrcnn::memory {

std::optional<size_t> BlockPool::take(size_t size) {
  const auto best = free_by_size_.lower_bound({size, 0});
  if (best == free_by_size_.end()) return std::nullopt;
  const auto [available, offset] = *best;
  remove_free(free_.find(offset));
  if (available > size) add_free(offset + size, available - size);
  taken_.emplace(offset, size);
  return offset;
}

void BlockPool::give_back(size_t offset) {
  const auto taken = taken_.extract(offset);
  auto size = taken.mapped();
  const auto next = free_.lower_bound(offset);
  if (next != free_.begin()) {
    const auto previous = std::prev(next);
    if (previous->first + previous->second == offset) {
      offset = previous->first;
      size += previous->second;
      remove_free(previous);
    }
  }
  if (next != free_.end() && next->first == offset + size) {
    size += next->second;
    remove_free(next);
  }
  add_free(offset, size);
}

void BlockPool::add_free(size_t offset, size_t size) {
  free_.emplace(offset, size);
  free_by_size_.emplace(size, offset);
}

void BlockPool::remove_free(FreePart part) {
  free_by_size_.erase({part->second, part->first});
  free_.erase(part);
}

}  // namespace maskrcnn::memory
