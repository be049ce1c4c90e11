// libmaskrcnn_nccl: c10d's NCCL, which sums tensors of GPUs. A library of its own, because only a
// libtorch for CUDA can build and load it. The loader opens it when a group with GPUs needs it.
#include <ATen/cuda/CUDAContext.h>

#include <cstdlib>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include "distributed/device_backend.h"

extern "C" {

// Why there can be no group of GPUs here, or null. The loader asks before anything else does.
[[gnu::visibility("default")]] const char* maskrcnn_nccl_obstacle() {
  return at::cuda::device_count() == 0 ? "libtorch sees no GPU" : nullptr;
}

// See device_backend.h.
[[gnu::visibility("default")]] void maskrcnn_make_device_backend(
    const maskrcnn::DeviceBackendOptions& options, c10::intrusive_ptr<c10d::Backend>& made) {
  // Otherwise c10d ends this process from a thread of its own as soon as another rank has failed.
  // The group finds that out by itself, and says which rank it was.
  setenv("TORCH_NCCL_ASYNC_ERROR_HANDLING", "0", /*overwrite=*/0);
  setenv("TORCH_NCCL_ENABLE_MONITORING", "0", /*overwrite=*/0);
  const auto how = c10d::ProcessGroupNCCL::Options::create();
  how->timeout = options.timeout;
  made =
      c10::make_intrusive<c10d::ProcessGroupNCCL>(options.store, options.rank, options.size, how);
}

}  // extern "C"
