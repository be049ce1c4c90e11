#pragma once

#include <chrono>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <torch/csrc/distributed/c10d/Store.hpp>

namespace maskrcnn {

// What sums tensors of GPUs is in a library of its own (native/nccl), which is opened when it is
// needed: only a libtorch for CUDA can build it. Its function of this name, with C linkage, makes
// the backend.
inline constexpr const char* kMakeDeviceBackend = "maskrcnn_make_device_backend";

struct DeviceBackendOptions {
  c10::intrusive_ptr<c10d::Store> store;
  int rank, size;
  std::chrono::milliseconds timeout;  // after which it gives an operation up by itself
};

using MakeDeviceBackend =
    void (*)(const DeviceBackendOptions& options, c10::intrusive_ptr<c10d::Backend>& made);

}  // namespace maskrcnn
