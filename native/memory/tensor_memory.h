#pragma once

namespace maskrcnn::memory {

// The C library either returns large blocks to the system and requests them again, which costs the
// time to clear them, or keeps them as fragments that fit no request. After the first call of this
// function, large tensors use one address range of our own, and each step reuses the memory of the
// step before. Works on Linux. Elsewhere, or if no range can be reserved, nothing changes.
void keep_tensor_memory();

// From now on, the system fills that range with large pages. This makes training steps faster. But
// the first detection of a process would wait until the system has cleared more memory than it
// uses.
void prefer_large_pages();

// Returns all unused memory to the system.
void release_tensor_memory();

}  // namespace maskrcnn::memory
