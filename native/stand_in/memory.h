#pragma once

#include <c10/core/CachingDeviceAllocator.h>

namespace maskrcnn::stand_in {

// The stand-in's memory: host memory, with accounting.
c10::DeviceAllocator& device_memory();

// The host memory behind an address of the device. The address itself cannot be read, just as a
// GPU's cannot.
void* behind(void* address);

// Limits the device's memory to this many bytes.
void limit_device_memory(int64_t bytes);

// Host memory that a GPU can copy from by itself.
c10::Allocator& pinned_memory();
bool is_pinned(const void* address);

}  // namespace maskrcnn::stand_in
