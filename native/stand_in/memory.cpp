#include "stand_in/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <map>
#include <mutex>

namespace maskrcnn::stand_in {

namespace {

constexpr auto kDevice = c10::DeviceType::MTIA;
constexpr size_t kAlignment = 64;

size_t rounded(size_t bytes) {
  return (bytes + kAlignment) / kAlignment * kAlignment;  // at least one unit: no block is empty
}

// The blocks in use, by their first byte.
class Blocks {
 public:
  // is_hidden: whether the program gets addresses that it cannot read.
  explicit Blocks(bool is_hidden) : is_hidden_(is_hidden) {}

  void* take(size_t bytes) {
    const std::lock_guard lock(mutex_);
    TORCH_CHECK_WITH(
        OutOfMemoryError,
        used_ + static_cast<int64_t>(rounded(bytes)) <= limit_,
        "The stand-in is out of memory: it has ",
        limit_,
        " bytes");
    void* const content = std::aligned_alloc(kAlignment, rounded(bytes));
    TORCH_CHECK(content != nullptr, "no memory for ", bytes, " bytes");
    void* block = content;
    if (is_hidden_) {
      block = mmap(
          nullptr, rounded(bytes), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      TORCH_CHECK(block != MAP_FAILED, "no addresses for ", bytes, " bytes");
    }
    blocks_[block] = {rounded(bytes), content};
    used_ += static_cast<int64_t>(rounded(bytes));
    peak_ = std::max(peak_, used_);
    return block;
  }

  void give_back(void* block) {
    const std::lock_guard lock(mutex_);
    const auto [size, content] = blocks_.at(block);
    used_ -= static_cast<int64_t>(size);
    blocks_.erase(block);
    std::free(content);
    if (is_hidden_) munmap(block, size);
  }

  // Null if the address is in no block.
  void* content(const void* address) {
    const std::lock_guard lock(mutex_);
    auto after = blocks_.upper_bound(const_cast<void*>(address));
    if (after == blocks_.begin()) return nullptr;
    const auto& [block, entry] = *--after;
    const auto offset = static_cast<const char*>(address) - static_cast<const char*>(block);
    if (offset >= static_cast<int64_t>(entry.size)) return nullptr;
    return static_cast<char*>(entry.content) + offset;
  }

  c10::CachingDeviceAllocator::DeviceStats statistics() {
    const std::lock_guard lock(mutex_);
    c10::CachingDeviceAllocator::DeviceStats stats;
    const auto all = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
    for (auto* const bytes : {&stats.allocated_bytes, &stats.reserved_bytes}) {
      (*bytes)[all].current = used_;
      (*bytes)[all].peak = peak_;
    }
    return stats;
  }

  void limit(int64_t bytes) {
    const std::lock_guard lock(mutex_);
    limit_ = bytes;
  }

  void forget_peak() {
    const std::lock_guard lock(mutex_);
    peak_ = used_;
  }

 private:
  std::mutex mutex_;
  struct Entry {
    size_t size;
    void* content;
  };
  const bool is_hidden_;
  std::map<void*, Entry> blocks_;
  int64_t used_ = 0, peak_ = 0;
  int64_t limit_ = std::numeric_limits<int64_t>::max();
};

// Never destroyed: tensors may outlive static objects.
Blocks& device_blocks() {
  static auto& blocks = *new Blocks(/*is_hidden=*/true);
  return blocks;
}

Blocks& pinned_blocks() {
  static auto& blocks = *new Blocks(/*is_hidden=*/false);
  return blocks;
}

struct DeviceMemory final : c10::DeviceAllocator {
  static void free(void* block) { device_blocks().give_back(block); }

  c10::DataPtr allocate(size_t bytes) override {
    void* const block = bytes == 0 ? nullptr : device_blocks().take(bytes);
    return {block, block, block == nullptr ? &c10::detail::deleteNothing : &free, {kDevice, 0}};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &free; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(behind(to), behind(const_cast<void*>(from)), bytes);
  }
  bool initialized() override { return true; }
  void emptyCache(c10::MempoolId_t) override {}
  void recordStream(const c10::DataPtr&, c10::Stream) override {}
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex) override {
    return device_blocks().statistics();
  }
  void resetAccumulatedStats(c10::DeviceIndex) override {}
  void resetPeakStats(c10::DeviceIndex) override { device_blocks().forget_peak(); }
};

struct PinnedMemory final : c10::Allocator {
  static void free(void* block) { pinned_blocks().give_back(block); }

  c10::DataPtr allocate(size_t bytes) override {
    void* const block = pinned_blocks().take(bytes);
    return {block, block, &free, c10::DeviceType::CPU};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &free; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }
};

}  // namespace

c10::DeviceAllocator& device_memory() {
  static auto& memory = *new DeviceMemory;
  return memory;
}

void* behind(void* address) {
  return address == nullptr ? nullptr : device_blocks().content(address);
}

void limit_device_memory(int64_t bytes) {
  device_blocks().limit(bytes);
}

c10::Allocator& pinned_memory() {
  static auto& memory = *new PinnedMemory;
  return memory;
}

bool is_pinned(const void* address) {
  return pinned_blocks().content(address) != nullptr;
}

}  // namespace maskrcnn::stand_in
