#include "stand_in/memory.h"

#include <atomic>
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

// Which blocks there are, by their first byte.
class Blocks {
 public:
  void* take(size_t bytes) {
    const std::lock_guard lock(mutex_);
    TORCH_CHECK_WITH(
        OutOfMemoryError,
        used_ + static_cast<int64_t>(rounded(bytes)) <= limit_,
        "The stand-in is out of memory: it has ",
        limit_,
        " bytes");
    void* const block = std::aligned_alloc(kAlignment, rounded(bytes));
    TORCH_CHECK(block != nullptr, "no memory for ", bytes, " bytes");
    sizes_[block] = rounded(bytes);
    used_ += static_cast<int64_t>(rounded(bytes));
    peak_ = std::max(peak_, used_);
    return block;
  }

  void give_back(void* block) {
    const std::lock_guard lock(mutex_);
    const auto found = sizes_.find(block);
    used_ -= static_cast<int64_t>(found->second);
    sizes_.erase(found);
    std::free(block);
  }

  bool contain(const void* address) {
    const std::lock_guard lock(mutex_);
    auto after = sizes_.upper_bound(const_cast<void*>(address));
    if (after == sizes_.begin()) return false;
    const auto& [block, size] = *--after;
    return static_cast<const char*>(address) < static_cast<const char*>(block) + size;
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
  std::map<void*, size_t> sizes_;
  int64_t used_ = 0, peak_ = 0;
  int64_t limit_ = std::numeric_limits<int64_t>::max();
};

// Never destroyed: tensors may outlive static objects.
Blocks& device_blocks() {
  static auto& blocks = *new Blocks;
  return blocks;
}

Blocks& pinned_blocks() {
  static auto& blocks = *new Blocks;
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
    default_copy_data(to, from, bytes);
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

void limit_device_memory(int64_t bytes) {
  device_blocks().limit(bytes);
}

c10::Allocator& pinned_memory() {
  static auto& memory = *new PinnedMemory;
  return memory;
}

bool is_pinned(const void* address) {
  return pinned_blocks().contain(address);
}

}  // namespace maskrcnn::stand_in
