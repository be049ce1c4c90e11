#pragma once

#include <memory>

#include "device/device_graph.h"

namespace maskrcnn {

// A CUDA graph that uses libtorch_cuda's class. Null if libtorch_cuda is not in the process.
std::unique_ptr<DeviceGraph> make_cuda_graph();

}  // namespace maskrcnn
