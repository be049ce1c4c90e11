#include "memory/tensor_memory.h"

#ifdef __linux__

#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>
#include <unistd.h>

#include <mutex>
#include <optional>

#include "memory/block_pool.h"

namespace maskrcnn::memory {
namespace {

constexpr size_t kSmallest = size_t{1} << 18;  // below this, the C library's allocator is better
constexpr size_t kUnit = size_t{1} << 16;      // block sizes are multiples of it: whole pages
constexpr size_t kLargePage = size_t{1} << 21;
constexpr uint8_t kPriority = 1;  // libtorch's own allocator has 0

thread_local int unkept = 0;

size_t round_up(size_t size, size_t unit) {
  return (size + unit - 1) / unit * unit;
}

// A range of addresses as large as the machine's memory. Only touched pages take memory.
class Range {
 public:
  static std::optional<Range> reserve();

  Range(char* begin, size_t size) : begin_(begin), size_(size) {}

  bool contains(const void* block) const { return block >= begin_ && block < begin_ + size_; }
  char* begin() const { return begin_; }
  size_t size() const { return size_; }

 private:
  char* begin_;
  size_t size_;
};

std::optional<Range> Range::reserve() {
  const auto installed = static_cast<size_t>(sysconf(_SC_PHYS_PAGES)) * sysconf(_SC_PAGESIZE);
  const auto size = round_up(installed, kLargePage);
  void* const address = mmap(
      nullptr,
      size + kLargePage,
      PROT_READ | PROT_WRITE,
      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
      /*fd=*/-1,
      /*offset=*/0);
  if (address == MAP_FAILED) return std::nullopt;
  auto* const begin =
      reinterpret_cast<char*>(round_up(reinterpret_cast<uintptr_t>(address), kLargePage));
  return Range(begin, size);
}

class TensorMemory final : public c10::Allocator {
 public:
  // Never destroyed, because tensors are freed until the process ends. Null if no range could be
  // reserved.
  static TensorMemory* instance() {
    static auto* const memory = [] {
      const auto range = Range::reserve();
      return range ? new TensorMemory(*range) : nullptr;
    }();
    return memory;
  }

  c10::DataPtr allocate(size_t size) override {
    if (size >= kSmallest && unkept == 0) {
      const std::lock_guard lock(mutex_);
      if (const auto offset = pool_.take(round_up(size, kUnit))) {
        void* const block = range_.begin() + *offset;
        return {block, block, &free_block, c10::Device(c10::kCPU)};
      }
    }
    return c10::GetDefaultCPUAllocator()->allocate(size);
  }

  c10::DeleterFnPtr raw_deleter() const override { return &free_block; }

  void copy_data(void* to, const void* from, size_t size) const override {
    default_copy_data(to, from, size);
  }

  void prefer_large_pages() {
    // Fails on a kernel without large pages, which does no harm.
    madvise(range_.begin(), range_.size(), MADV_HUGEPAGE);
  }

  void release() {
    const std::lock_guard lock(mutex_);
    for (const auto& [offset, size] : pool_.free_parts())
      madvise(range_.begin() + offset, size, MADV_DONTNEED);
  }

 private:
  explicit TensorMemory(Range range) : range_(range), pool_(range.size()) {}

  static void free_block(void* block) { instance()->free(block); }

  void free(void* block) {
    if (!range_.contains(block)) {
      c10::GetDefaultCPUAllocator()->raw_deallocate(block);
      return;
    }
    const std::lock_guard lock(mutex_);
    pool_.give_back(static_cast<char*>(block) - range_.begin());
  }

  const Range range_;
  std::mutex mutex_;
  BlockPool pool_;
};

}  // namespace

void keep_tensor_memory() {
  if (auto* const memory = TensorMemory::instance()) c10::SetCPUAllocator(memory, kPriority);
}

Unkept::Unkept() {
  ++unkept;
}
Unkept::~Unkept() {
  --unkept;
}

void prefer_large_pages() {
  if (auto* const memory = TensorMemory::instance()) memory->prefer_large_pages();
}

void release_tensor_memory() {
  if (auto* const memory = TensorMemory::instance()) memory->release();
}

}  // namespace maskrcnn::memory

#else

namespace maskrcnn::memory {

void keep_tensor_memory() {}
Unkept::Unkept() {}
Unkept::~Unkept() {}
void prefer_large_pages() {}
void release_tensor_memory() {}

}  // namespace maskrcnn::memory

#endif
