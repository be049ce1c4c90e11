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

// While one of these exists on a thread, the memory of the tensors that this thread allocates
// returns to the system when they are freed: for what has the size of an image instead of that of
// the network's input, so that one large image does not leave its memory for good.
class Unkept {
 public:
  Unkept();
  ~Unkept();
  Unkept(const Unkept&) = delete;
  Unkept& operator=(const Unkept&) = delete;
};

}  // namespace maskrcnn::memory
