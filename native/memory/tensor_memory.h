#pragma once

namespace maskrcnn::memory {

// The C library gives large blocks back to the system and asks for them anew, which costs the time
// to clear them, or keeps them in pieces that fit nothing. From the first call on large tensors
// live in one range of addresses of our own, and what one step leaves the next one takes. Of use on
// Linux; elsewhere, and where there is no such range, nothing changes.
void keep_tensor_memory();

// From now on that range is filled by large pages. A step of training is shorter by it; the first
// detection of a process would wait for the system to clear more than it uses.
void prefer_large_pages();

// Gives the system back what no tensor lives in.
void release_tensor_memory();

}  // namespace maskrcnn::memory
