#pragma once

#include <c10/core/CachingDeviceAllocator.h>

namespace maskrcnn::stand_in {

// The stand-in's memory is the host's, counted.
c10::DeviceAllocator& device_memory();

// Where what lies at an address of the device is. The address itself cannot be read, as that of a
// GPU.
void* behind(void* address);

// How much there is, in bytes.
void limit_device_memory(int64_t bytes);

// Host memory from which a GPU copies by itself.
c10::Allocator& pinned_memory();
bool is_pinned(const void* address);

}  // namespace maskrcnn::stand_in
